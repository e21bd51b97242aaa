// Package marketplaces is the cold start of the function that charges cloud accounts.
package marketplaces

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/charge"
	"billingcentre/shared/metering/alibaba"
	"billingcentre/shared/metering/aws"
	"billingcentre/shared/metering/huawei"
	"billingcentre/shared/money"
)

// listing is how we are listed at one marketplace. Dimensions are by currency, each priced at one minor unit of it.
type listing struct {
	Product    string                    `json:"product"` // AWS: the product code
	Region     string                    `json:"region"`  // AWS: where metering is done; "" is the function's own
	Gateway    string                    `json:"gateway"` // others: the endpoint; "" is the mainland's
	Dimensions map[money.Currency]string `json:"dimensions"`
}

// keys are what requests to marketplaces other than AWS's are signed with.
type keys struct {
	AlibabaKeyID     string `json:"alibaba_access_key_id"`
	AlibabaKeySecret string `json:"alibaba_access_key_secret"`
	HuaweiKey        string `json:"huawei_key"`
}

// Markets are the marketplaces of CLOUD_MARKETPLACES, by provider. The secret MARKETPLACE_SECRET_ARN is read only when
// one of them needs it.
func Markets(ctx context.Context, b *boot.Boot) map[string]charge.Market {
	var told struct {
		AWS     *listing `json:"aws"`
		Alibaba *listing `json:"alibaba"`
		Huawei  *listing `json:"huawei"`
	}
	if text := os.Getenv("CLOUD_MARKETPLACES"); text != "" {
		if err := api.Strict([]byte(text), &told); err != nil {
			b.Fail("CLOUD_MARKETPLACES is not what it should be", "error", err.Error())
		}
	}
	markets := map[string]charge.Market{}
	if l := told.AWS; l != nil {
		region := l.Region
		if region == "" {
			region = b.Env("AWS_REGION")
		}
		options := marketplacemetering.Options{
			Region: region, Credentials: b.Credentials(), HTTPClient: b.HTTP(), BaseEndpoint: boot.Endpoint("MARKETPLACE_METERING"),
		}
		markets["aws"] = charge.Market{Meter: aws.New(options, l.Product), Dimensions: l.Dimensions}
	}
	if told.Alibaba == nil && told.Huawei == nil {
		return markets
	}
	var k keys
	secret.Read(ctx, b, "MARKETPLACE_SECRET_ARN", &k)
	if l := told.Alibaba; l != nil {
		meter := alibaba.New(alibaba.Config{Gateway: l.Gateway, KeyID: k.AlibabaKeyID, KeySecret: k.AlibabaKeySecret, HTTP: b.HTTP(), Now: boot.Now})
		markets["alibaba"] = charge.Market{Meter: meter, Dimensions: l.Dimensions}
	}
	if l := told.Huawei; l != nil {
		meter := huawei.New(huawei.Config{Gateway: l.Gateway, Key: k.HuaweiKey, HTTP: b.HTTP(), Now: boot.Now})
		markets["huawei"] = charge.Market{Meter: meter, Dimensions: l.Dimensions}
	}
	return markets
}
