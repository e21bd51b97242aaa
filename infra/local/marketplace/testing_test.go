package marketplace

import (
	"net/http"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"

	"billingcentre/shared/metering"
	"billingcentre/shared/metering/alibaba"
	"billingcentre/shared/metering/aws"
	"billingcentre/shared/metering/huawei"
)

const product = "prod-1"

var testKeys = Keys{AWSKeyID: "AKIDTEST", AWSSecret: "aws secret", AlibabaKeyID: "LTAITEST", AlibabaSecret: "alibaba secret", HuaweiKey: "huawei key"}

func optionsOf(now func() time.Time) Options {
	return Options{Now: now, Product: product, Dimension: []string{"fen"}, Keys: testKeys}
}

// meters are the true adapters, with the stand-in's address.
func meters(url string, client *http.Client, now func() time.Time) map[string]metering.Meter {
	return map[string]metering.Meter{
		"aws": aws.New(marketplacemetering.Options{
			Region: "us-east-1", BaseEndpoint: awssdk.String(url), HTTPClient: client,
			Credentials: credentials.NewStaticCredentialsProvider(testKeys.AWSKeyID, testKeys.AWSSecret, "session"),
		}, product),
		"alibaba": alibaba.New(alibaba.Config{Gateway: url + alibabaPath, KeyID: testKeys.AlibabaKeyID, KeySecret: testKeys.AlibabaSecret, HTTP: client, Now: now}),
		"huawei":  huawei.New(huawei.Config{Gateway: url, Key: testKeys.HuaweiKey, HTTP: client, Now: now}),
	}
}
