package stack

import (
	"context"
	"maps"
	"path/filepath"

	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/sqs"
)

// account is the AWS account number in the URLs of local queues.
const account = "000000000000"

// bankTransfers is a receiving account that nobody can send money to, with statements as a Chinese bank exports them.
const bankTransfers = `{"receiver":{"name":"Billing Centre (local)","bank":"Bank of Nowhere","number":"0000000000000000"},"currency":"CNY",` +
	`"columns":{"id":"交易流水号","date":"交易日期","date_form":"2006-01-02","credit":"贷方金额","payer":"对方户名","memo":"附言"},` +
	`"fee_tolerance":"50.00","second_operator_above":"50000.00","order_days":30}`

// readTemplate resolves the template with what its parameters and references are on this machine.
func (s *Stack) readTemplate(context.Context) error {
	step := s.console.Step("template")
	defer step.Failed() // unless it is done
	template, err := sam.Read(filepath.Join(s.options.Root, "template.yaml"))
	if err != nil {
		return err
	}
	local := sam.Local{Parameters: s.parameters(), Values: map[string]string{"AWS::Region": region, "AWS::StackName": "billing-centre"}}
	there, err := template.Resolve(local)
	if err != nil {
		return err
	}
	values, err := s.values(there)
	if err != nil {
		return err
	}
	maps.Copy(local.Values, values)
	if s.Deployment, err = template.Resolve(local); err != nil {
		return err
	}
	routes := 0
	for _, f := range s.Deployment.Functions {
		routes += len(f.HTTP)
	}
	step.Done("template.yaml: %d functions, %d routes, %d queues", len(there.Functions), routes, len(there.Queues))
	return nil
}

func (s *Stack) parameters() map[string]string {
	return map[string]string{
		"MailFrom": mailFrom, "MailIdentity": mailIdentity,

		"JwtIssuer":            s.Issuer.URL(),
		"JwtAudience":          Audience,
		"AlipaySecretArn":      s.alipayARN,
		"AlipayMode":           "sandbox",
		"AlipayNotifyUrl":      url(s.listeners.api) + "/v1/payments/alipay/notices",
		"BankTransfers":        bankTransfers,
		"CloudMarketplaces":    s.listings(),
		"MarketplaceSecretArn": s.marketplaceARN,
		"Policy":               s.options.Policy,
		"WebhookAddresses":     "any",
	}
}

// values are what references to resources stand for here; the rest keeps the form that AWS gives it.
func (s *Stack) values(d *sam.Deployment) (map[string]string, error) {
	values := map[string]string{}
	names := sqs.New(sqs.Options{Region: region})
	for _, q := range d.Queues {
		queueURL := url(s.listeners.aws) + "/" + account + "/" + q.Name
		values[q.LogicalID], values[q.LogicalID+".QueueUrl"] = queueURL, queueURL
		values[q.LogicalID+".Arn"] = names.ARN(q.Name)
	}
	for _, secret := range d.Secrets {
		arn, err := s.putGenerated(secret)
		if err != nil {
			return nil, err
		}
		values[secret.LogicalID] = arn
	}
	return values, nil
}
