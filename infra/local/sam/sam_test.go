package sam_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/sam/samtest"
)

const templatePath = "../../../template.yaml"

var parameters = samtest.Parameters

func resolve(t *testing.T, local sam.Local) *sam.Deployment {
	t.Helper()
	template, err := sam.Read(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := template.Resolve(local)
	if err != nil {
		t.Fatal(err)
	}
	return deployment
}

func named[T any](t *testing.T, all []T, id string, of func(T) string) T {
	t.Helper()
	at := slices.IndexFunc(all, func(one T) bool { return of(one) == id })
	if at < 0 {
		t.Fatalf("no %s", id)
	}
	return all[at]
}

func functionOf(t *testing.T, d *sam.Deployment, id string) sam.Function {
	return named(t, d.Functions, id, func(f sam.Function) string { return f.LogicalID })
}

func TestTemplateNamesEveryFunction(t *testing.T) {
	var folders []string
	for _, f := range resolve(t, sam.Local{Parameters: parameters()}).Functions {
		folders = append(folders, f.Folder)
	}
	want := []string{
		"functions/accounts", "functions/arrears", "functions/auditor", "functions/bank-transfer", "functions/bill-settlement", "functions/bookkeeper", "functions/cloud-charges", "functions/expiry", "functions/export-writer", "functions/exports", "functions/monthly-bills", "functions/monthly-plan", "functions/notice-preferences", "functions/notices", "functions/operator",
		"functions/outbox", "functions/payment-callback", "functions/payment-poller", "functions/prepaid-purchase", "functions/proof", "functions/recharge",
		"functions/statements", "functions/voucher-activation", "functions/wallet", "functions/webhook-courier", "functions/webhooks",
	}
	if diff := cmp.Diff(want, folders); diff != "" {
		t.Error(diff)
	}
}

func TestLocalValuesReachTheEnvironment(t *testing.T) {
	d := resolve(t, sam.Local{Parameters: parameters(), Values: map[string]string{
		"UsageBillQueue": "http://127.0.0.1:4000/000000000000/local-usage-bills",
		"CentreSecret":   "arn:aws:secretsmanager:us-east-1:000000000000:secret:mine",
		"BillingTable":   "bills",
	}})
	settlement := functionOf(t, d, "BillSettlementFunction")
	want := map[string]string{
		"TABLE_NAME": "bills", "POLICY": "", "MAX_RECEIVE_COUNT": "20", "BILL_QUEUE_URL": "http://127.0.0.1:4000/000000000000/local-usage-bills",
		"GOGC": "400", "GOMEMLIMIT": "400MiB",
	}
	if diff := cmp.Diff(want, settlement.Env); diff != "" {
		t.Error(diff)
	}
	if got := functionOf(t, d, "WalletFunction").Env["SECRET_ARN"]; got != "arn:aws:secretsmanager:us-east-1:000000000000:secret:mine" {
		t.Errorf("SECRET_ARN of wallet is %q", got)
	}
}

func TestGlobalsAreMergedAndOverridden(t *testing.T) {
	d := resolve(t, sam.Local{Parameters: parameters()})
	if f := functionOf(t, d, "WalletFunction"); f.Timeout != 10*time.Second || f.MemoryMB != 512 || f.Name() != "wallet" {
		t.Errorf("wallet: %+v", f)
	}
	if f := functionOf(t, d, "BillSettlementFunction"); f.Timeout != time.Minute || f.MemoryMB != 1024 {
		t.Errorf("bill-settlement: %+v", f)
	}
}

func TestEvents(t *testing.T) {
	d := resolve(t, sam.Local{Parameters: parameters()})
	t.Run("queue", func(t *testing.T) {
		want := []sam.QueueSource{{
			Event: "UsageBills", QueueLogicalID: "UsageBillQueue", BatchSize: 1000, Window: 2 * time.Second,
			ReportFailures: true, MaximumConcurrency: 10,
		}}
		if diff := cmp.Diff(want, functionOf(t, d, "BillSettlementFunction").Queues); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("stream", func(t *testing.T) {
		want := []sam.StreamSource{{
			Event: "Entries", TableLogicalID: "BillingTable", StartingPosition: "TRIM_HORIZON", BatchSize: 100,
			Window: time.Second, BisectOnError: true, ReportFailures: true, MaximumRetryAttempts: 20,
			MaximumRecordAge: 20 * time.Hour, FailureQueueLogicalID: "OutboxFailureQueue",
			Filters: []string{
				`{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "E#"}]}}}}`,
				`{"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "D#notice#"}]}}}}`,
			},
		}}
		if diff := cmp.Diff(want, functionOf(t, d, "OutboxFunction").Streams); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("schedule", func(t *testing.T) {
		want := []sam.Schedule{{Event: "EveryMinute", Expression: "rate(1 minute)", TimeZone: "UTC", Input: `{"duty":"expiry"}`}}
		if diff := cmp.Diff(want, functionOf(t, d, "ExpiryFunction").Schedules); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("routes", func(t *testing.T) {
		allocate := named(t, functionOf(t, d, "OperatorFunction").HTTP, "AllocateCard", func(r sam.Route) string { return r.Event })
		want := sam.Route{Event: "AllocateCard", Method: "POST", Path: "/v1/operator/accounts/{account}/cards", Scopes: []string{"operator", "partner"}}
		if diff := cmp.Diff(want, allocate); diff != "" {
			t.Error(diff)
		}
		want = sam.Route{Event: "TakeAlipayNotice", Method: "POST", Path: "/v1/payments/alipay/notices", Public: true}
		if diff := cmp.Diff([]sam.Route{want}, functionOf(t, d, "PaymentCallbackFunction").HTTP); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOnlyThePaymentCallbackIsPublic(t *testing.T) {
	for _, f := range resolve(t, sam.Local{Parameters: parameters()}).Functions {
		for _, route := range f.HTTP {
			if route.Public != (f.Name() == "payment-callback") {
				t.Errorf("%s of %s: public is %t", route.Key(), f.Name(), route.Public)
			}
		}
	}
}

func TestTableAndQueues(t *testing.T) {
	d := resolve(t, sam.Local{Parameters: parameters()})
	text := func(name string) sam.Key { return sam.Key{Name: name, Type: "S"} }
	wantTable := []sam.Table{{
		LogicalID: "BillingTable", Name: "BillingTable", StreamView: "NEW_AND_OLD_IMAGES",
		Key: sam.Index{Hash: text("pk"), Range: text("sk")},
		Indexes: []sam.Index{
			{Name: "lists", Hash: text("list"), Range: text("rank"), Projection: "KEYS_ONLY"},
			{Name: "grants", Hash: text("grants"), Range: text("rank"), Projection: "KEYS_ONLY"},
			{Name: "due", Hash: text("shard"), Range: sam.Key{Name: "due", Type: "N"}, Projection: "KEYS_ONLY"},
		},
	}}
	if diff := cmp.Diff(wantTable, d.Tables); diff != "" {
		t.Error(diff)
	}
	const day = 24 * time.Hour
	wantQueue := sam.Queue{
		LogicalID: "UsageBillQueue", Name: "local-usage-bills", URL: "https://sqs.us-east-1.amazonaws.com/000000000000/local-usage-bills",
		ARN: "arn:aws:sqs:us-east-1:000000000000:local-usage-bills", Visibility: 7 * time.Minute, Retention: 14 * day,
		ReceiveWait: 20 * time.Second, MaxMessageBytes: 1 << 20, DeadLetterID: "UsageBillDeadLetterQueue", MaxReceiveCount: 20,
	}
	if diff := cmp.Diff(wantQueue, named(t, d.Queues, "UsageBillQueue", func(q sam.Queue) string { return q.LogicalID })); diff != "" {
		t.Error(diff)
	}
	dead := named(t, d.Queues, "UsageBillDeadLetterQueue", func(q sam.Queue) string { return q.LogicalID })
	if diff := cmp.Diff([]string{wantQueue.ARN}, dead.RedriveSources); diff != "" {
		t.Error(diff)
	}
}

func TestBuckets(t *testing.T) {
	want := []sam.Bucket{{LogicalID: "ExportBucket", Name: "local-exports-000000000000-us-east-1", ExpiryDays: 7, AbortDays: 2}}
	if diff := cmp.Diff(want, resolve(t, sam.Local{Parameters: parameters()}).Buckets); diff != "" {
		t.Error(diff)
	}
}

func TestAPIAndSecret(t *testing.T) {
	given := parameters()
	given["CorsOrigins"] = "https://a.example,https://b.example"
	d := resolve(t, sam.Local{Parameters: given})
	want := sam.API{
		LogicalID: "CentreApi", Issuer: "https://issuer.example.com", Audience: []string{"billing-centre"}, Rate: 200, Burst: 400,
		CORS: &sam.CORS{
			Origins: []string{"https://a.example", "https://b.example"}, Methods: []string{"GET", "POST", "PUT", "DELETE"},
			Headers:       []string{"authorization", "content-type", "idempotency-key"},
			ExposeHeaders: []string{"retry-after", "idempotent-replay"}, MaxAge: 10 * time.Minute,
		},
	}
	if diff := cmp.Diff(want, d.API); diff != "" {
		t.Error(diff)
	}
	wantSecret := []sam.Secret{{
		LogicalID: "CentreSecret", ARN: "arn:aws:secretsmanager:us-east-1:000000000000:secret:CentreSecret",
		Template: "{}", Key: "pepper", Length: 64, ExcludePunctuation: true,
	}}
	if diff := cmp.Diff(wantSecret, d.Secrets); diff != "" {
		t.Error(diff)
	}
}

func TestEveryFaultIsToldWithItsLine(t *testing.T) {
	text, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	mutant := strings.Replace(string(text), "    Timeout: 10\n", "    Timeout: ten\n", 1)
	template, err := sam.Parse("template.yaml", []byte(mutant))
	if err != nil {
		t.Fatal(err)
	}
	_, err = template.Resolve(sam.Local{})
	if err == nil {
		t.Fatal("resolved")
	}
	for _, want := range []string{
		`Parameters.JwtIssuer: needs a value: it has no default`,
		`Parameters.AlipaySecretArn: needs a value: it has no default`,
		lineOf(mutant, "Timeout: ten") + `: WalletFunction.Properties.Timeout: want a whole number, not "ten"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// What a function may do on what, in one table: whoever widens a policy changes a row here too.
func TestWhoMayDoWhat(t *testing.T) {
	const (
		table   = "arn:aws:dynamodb:us-east-1:000000000000:table/BillingTable"
		lists   = table + "/index/lists"
		grants  = table + "/index/grants"
		due     = table + "/index/due"
		stream  = table + "/stream/2026-01-01T00:00:00.000"
		bills   = "arn:aws:sqs:us-east-1:000000000000:local-usage-bills"
		monthly = "arn:aws:sqs:us-east-1:000000000000:local-monthly-bills"
		dead    = "arn:aws:sqs:us-east-1:000000000000:local-usage-bills-dead"
		failed  = "arn:aws:sqs:us-east-1:000000000000:OutboxFailureQueue"
		unkept  = "arn:aws:sqs:us-east-1:000000000000:BookkeeperFailureQueue"
		events  = "arn:aws:events:us-east-1:000000000000:event-bus/local-events"
		exports = "arn:aws:sqs:us-east-1:000000000000:local-exports"
		files   = "arn:aws:s3:::local-exports-000000000000-us-east-1/exports/*"
		hooked  = "arn:aws:sqs:us-east-1:000000000000:local-webhook-events"
		posted  = "arn:aws:sqs:us-east-1:000000000000:local-webhook-deliveries"
		told    = "arn:aws:sqs:us-east-1:000000000000:local-notices"
		sender  = "arn:aws:ses:us-east-1:000000000000:identity/example.com"
		mails   = "arn:aws:ses:us-east-1:000000000000:configuration-set/local-mail"
		pepper  = "arn:aws:secretsmanager:us-east-1:000000000000:secret:CentreSecret"
		alipay  = "arn:aws:secretsmanager:us-east-1:000000000000:secret:alipay"
		clouds  = "arn:aws:secretsmanager:us-east-1:000000000000:secret:none"
		read    = "dynamodb:GetItem " + table + " dynamodb:BatchGetItem " + table
		write   = " dynamodb:PutItem " + table + " dynamodb:UpdateItem " + table
		list    = " dynamodb:Query " + lists
		secret  = " secretsmanager:GetSecretValue " + pepper
		consume = " sqs:ReceiveMessage " + bills + " sqs:DeleteMessage " + bills + " sqs:GetQueueAttributes " + bills + " sqs:ChangeMessageVisibility " + bills
	)
	want := map[string]string{
		"accounts":        read + write + list + secret,
		"arrears":         read + " dynamodb:PutItem " + table + list,
		"auditor":         read + " dynamodb:PutItem " + table + list + " dynamodb:Query " + grants,
		"bank-transfer":   read + write + list + secret,
		"bill-settlement": read + write + consume,
		"cloud-charges":   read + write + list + " aws-marketplace:BatchMeterUsage * secretsmanager:GetSecretValue " + clouds,
		"bookkeeper":      read + " dynamodb:PutItem " + table + list + " dynamodb:DescribeStream " + stream + " dynamodb:GetRecords " + stream + " dynamodb:GetShardIterator " + stream + " sqs:SendMessage " + unkept,
		"expiry":          read + write + " dynamodb:Query " + due,
		"export-writer": read + " dynamodb:PutItem " + table + list + " dynamodb:Query " + grants + strings.ReplaceAll(consume, bills, exports) +
			" sqs:SendMessage " + exports + " s3:PutObject " + files + " s3:AbortMultipartUpload " + files,
		"exports":            read + " dynamodb:PutItem " + table + list + secret + " sqs:SendMessage " + exports + " s3:GetObject " + files,
		"monthly-bills":      read + " dynamodb:PutItem " + table + list + " dynamodb:Query " + grants + strings.ReplaceAll(consume, bills, monthly),
		"monthly-plan":       read + " dynamodb:PutItem " + table + list + " sqs:SendMessage " + monthly,
		"notices":            read + " dynamodb:PutItem " + table + list + " ses:SendEmail " + sender + " ses:SendEmail " + mails + strings.ReplaceAll(consume, bills, told),
		"notice-preferences": read + " dynamodb:PutItem " + table + list + secret,
		"operator":           read + write + list + " dynamodb:Query " + grants + " sqs:SendMessage " + bills + " sqs:SendMessage " + told + secret,
		"outbox":             "dynamodb:DescribeStream " + stream + " dynamodb:GetRecords " + stream + " dynamodb:GetShardIterator " + stream + " sqs:SendMessage " + failed + " events:PutEvents " + events,
		"payment-callback":   read + write + " secretsmanager:GetSecretValue " + alipay,
		"payment-poller":     read + write + list + " secretsmanager:GetSecretValue " + alipay,
		"prepaid-purchase":   read + write,
		"proof":              read + write + list + " secretsmanager:GetSecretValue " + alipay,
		"recharge":           read + write + list + secret + " secretsmanager:GetSecretValue " + alipay,
		"statements":         read + list + secret,
		"voucher-activation": read + write + secret,
		"wallet":             read + list + " dynamodb:Query " + grants + secret,
		"webhook-courier": read + " dynamodb:PutItem " + table + strings.ReplaceAll(consume, bills, hooked) + strings.ReplaceAll(consume, bills, posted) +
			" sqs:SendMessage " + posted + secret,
		"webhooks": read + " dynamodb:PutItem " + table + list + " sqs:SendMessage " + posted + secret,
	}
	resources := []string{told, sender, mails, table, unkept, lists, grants, due, stream, bills, monthly, dead, failed, events, hooked, posted, exports, files, pepper, alipay, clouds, "*"}
	for _, f := range resolve(t, sam.Local{Parameters: parameters()}).Functions {
		var may []string
		for _, s := range f.Policy {
			for _, action := range s.Actions {
				for _, resource := range resources {
					if f.May(action, resource) && !slices.Contains(may, action+" "+resource) {
						may = append(may, action+" "+resource)
					}
				}
			}
		}
		words := strings.Fields(want[f.Name()])
		var expected []string
		for i := 0; i+1 < len(words); i += 2 {
			expected = append(expected, words[i]+" "+words[i+1])
		}
		slices.Sort(may)
		slices.Sort(expected)
		if diff := cmp.Diff(expected, may); diff != "" {
			t.Errorf("%s: %s", f.Name(), diff)
		}
	}
}
