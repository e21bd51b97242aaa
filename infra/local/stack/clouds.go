package stack

import (
	"context"
	"encoding/json"
	"fmt"

	"billingcentre/infra/local/marketplace"
)

// marketplaceKeys are those that the functions sign with here; AWS's are the functions' own (functions.go).
var marketplaceKeys = marketplace.Keys{
	AWSKeyID: "local", AWSSecret: "local", AlibabaKeyID: "local-seller", AlibabaSecret: "local-secret", HuaweiKey: "local-key",
}

// localProduct is the product's code at AWS Marketplace here.
const localProduct = "local-product"

// openMarketplaces opens the clouds' marketplaces, and puts the keys of those that aren't AWS's where the function
// looks for them.
func (s *Stack) openMarketplaces(context.Context) error {
	s.Marketplaces = marketplace.New(marketplace.Options{Now: s.Now, Product: localProduct, Keys: marketplaceKeys})
	text, err := json.Marshal(map[string]string{
		"alibaba_access_key_id": marketplaceKeys.AlibabaKeyID, "alibaba_access_key_secret": marketplaceKeys.AlibabaSecret, "huawei_key": marketplaceKeys.HuaweiKey,
	})
	if err == nil {
		s.marketplaceARN, err = s.secrets.Put("marketplaces", string(text))
	}
	if err != nil {
		return fmt.Errorf("put the marketplaces' keys: %w", err)
	}
	return nil
}

// listings is the parameter CloudMarketplaces here.
func (s *Stack) listings() string {
	at := url(s.listeners.aws)
	return fmt.Sprintf(`{"aws":{"product":%q,"dimensions":{"CNY":"cny_fen","USD":"usd_cents"}},`+
		`"alibaba":{"gateway":%q,"dimensions":{"CNY":"Unit"}},"huawei":{"gateway":%q,"dimensions":{"CNY":"fen"}}}`, localProduct, at+"/alibaba/", at)
}
