package sam_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"billingcentre/infra/local/sam"
)

// mutants are template.yaml with one thing wrong each: what a slip of the hand would make of it. AWS's offline
// validator misses most of them, and some deploy without complaint.
var mutants = []struct {
	rule     string
	old, new string // the first old becomes new
	line     string // the fault's line is that of this text in the mutant; "" for wherever
	message  string
}{
	// Properties and their values
	{"an unknown property of a function", "      MemorySize: 1024", "      MemorySise: 1024", "MemorySise", `BillSettlementFunction.Properties.MemorySise: unknown property`},
	{"an unknown property in Globals", "    Tracing: Active", "    Traceing: Active", "Traceing", `AccountsFunction.Properties.Traceing: unknown property`},
	{"an unknown property of a resource", "  ThrottleRate:\n    Type: Number", "  ThrottleRate:\n    Kind: x\n    Type: Number", "Kind: x", `Parameters.ThrottleRate.Kind: unknown property`},
	{"an unknown section", "Outputs:", "Output:", "Output:", `Output: unknown section`},
	{"an unknown resource type", "Type: AWS::CloudWatch::Dashboard", "Type: AWS::CloudWatch::Dashbord", "Dashbord", `unknown resource type "AWS::CloudWatch::Dashbord"`},
	{"a word for a number", "    Timeout: 10\n", "    Timeout: ten\n", "Timeout: ten", `want a whole number, not "ten"`},
	{"a time-out beyond Lambda's", "      Timeout: 60", "      Timeout: 1000", "Timeout: 1000", `Timeout: 1000 is more than 900`},
	{"less memory than we allow", "MemorySize: 512", "MemorySize: 128", "MemorySize: 128", `MemorySize: 128 is less than 512`},
	{"a batch beyond SQS's", "            BatchSize: 1000", "            BatchSize: 100000", "BatchSize: 100000", `BatchSize: 100000 is more than 10000`},
	{"another runtime", "Runtime: provided.al2023", "Runtime: go1.x", "Runtime: go1.x", `"go1.x" is none of provided.al2023`},
	{"another architecture", "Architectures: [arm64]", "Architectures: [x86_64]", "x86_64", `"x86_64" is none of arm64`},
	{"no tracing", "    Tracing: Active\n", "", "", `Tracing is missing`},
	{"an unquoted OFF", "{Mode: 'OFF'}", "{Mode: OFF}", "Mode: OFF", `OFF is a boolean to AWS: quote it`},
	{"an unquoted policy version", "Version: '2012-10-17'", "Version: 2012-10-17", "Version: 2012-10-17", `want text, not "2012-10-17"`},
	{"a key twice", "      CodeUri: functions/wallet\n", "      CodeUri: functions/wallet\n      CodeUri: functions/wallet\n", "", `WalletFunction.Properties.CodeUri: stands here twice`},
	{"an alarm of too many metrics", "        - {Id: arrears, ReturnData: false", "        - {Id: another, ReturnData: false, MetricStat: {Stat: Sum, Period: 60, Metric: {Namespace: AWS/Lambda, MetricName: Errors, Dimensions: [{Name: FunctionName, Value: !Ref OutboxFunction}]}}}\n        - {Id: onemore, ReturnData: false, MetricStat: {Stat: Sum, Period: 60, Metric: {Namespace: AWS/Lambda, MetricName: Errors, Dimensions: [{Name: FunctionName, Value: !Ref WalletFunction}]}}}\n        - {Id: arrears, ReturnData: false", "", `11 are more than an alarm's expression takes: 10`},

	// References
	{"a !Ref to nothing", "QUEUE_URL: !Ref UsageBillQueue", "QUEUE_URL: !Ref UsageBilQueue", "UsageBilQueue", `nothing is called "UsageBilQueue"`},
	{"a !GetAtt of nothing", "Value: !GetAtt CentreApi.ApiEndpoint", "Value: !GetAtt CentreApi.Url", "CentreApi.Url", `AWS::Serverless::HttpApi has no attribute "Url"`},
	{"a !Sub of nothing", "${BillingTable.Arn}/index/due", "${BillingTabel.Arn}/index/due", "BillingTabel", `nothing is called "BillingTabel.Arn"`},
	{"a condition that isn't", "!If [HasAlarmTopic,", "!If [HasTopic,", "HasTopic,", `no condition "HasTopic"`},
	{"an unknown intrinsic", "POLICY: !Ref Policy", "POLICY: !Reff Policy", "!Reff", `unknown intrinsic !Reff`},
	{"a parameter that nothing uses", "Parameters:\n", "Parameters:\n  Spare: {Type: String, Default: ''}\n", "Spare", `Parameters.Spare: nothing refers to it`},
	{"a default outside its own bounds", "    Default: 10\n    MinValue: 2", "    Default: 1\n    MinValue: 2", "", `Parameters.SettlementConcurrency: 1 is out of range`},
	{"a function that waits for its API", "ALIPAY_NOTIFY_URL: !Ref AlipayNotifyUrl", "ALIPAY_NOTIFY_URL: !Sub '${CentreApi.ApiEndpoint}/v1/payments/alipay/notices'", "", `waits for itself: CentreApi → RechargeFunction → CentreApi`},
	{"queues that wait for each other", "sourceQueueArns: [!Sub 'arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-usage-bills']", "sourceQueueArns: [!GetAtt UsageBillQueue.Arn]", "", `UsageBillQueue → UsageBillDeadLetterQueue → UsageBillQueue`},

	// Events
	{"an HttpApi event without a path", "Method: GET, Path: /v1/operator/quarantine, ", "Method: GET, ", "ListQuarantine", `ListQuarantine.Properties: Path is missing`},
	{"an HttpApi event without a method", "Method: GET, Path: /v1/operator/quarantine,", "Path: /v1/operator/quarantine,", "ListQuarantine", `Method is missing`},
	{"an unknown event type", "Type: ScheduleV2", "Type: ScheduleV3", "Type: ScheduleV", `unknown event type "ScheduleV3"`},
	{"an unknown property of a schedule", "FlexibleTimeWindow:", "FlexibelTimeWindow:", "FlexibelTimeWindow", `FlexibelTimeWindow: unknown property`},
	{"a rate in the singular", "rate(1 minute)", "rate(5 minute)", "Type: ScheduleV", `1 goes with the singular, any other number with the plural`},
	{"a rate in the plural", "rate(1 minute)", "rate(1 minutes)", "Type: ScheduleV", `1 goes with the singular`},
	{"a cron of five fields", "rate(1 minute)", "cron(0 4 4 * ?)", "Type: ScheduleV", `has 5 fields, not 6`},
	{"a cron of the 32nd", "rate(1 minute)", "cron(0 4 32 * ? *)", "Type: ScheduleV", `is no cron expression`},
	{"a cron with both days", "rate(1 minute)", "cron(0 4 4 * MON *)", "Type: ScheduleV", `exactly one of day of month and day of week is ?`},
	{"an input that is no JSON", `Input: '{"duty":"expiry"}'`, "Input: expiry", "Type: ScheduleV", `Input is no JSON`},
	{"a route twice", "Method: GET, Path: '/v1/accounts/{account}/cards'", "Method: GET, Path: '/v1/accounts/{owner}/vouchers'", "ListVouchers", `is routed by WalletFunction.Properties.Events.ListCards already`},
	{"a path without its slash", "Path: /v1/operator/quarantine,", "Path: v1/operator/quarantine,", "ListQuarantine", `isn't of the form`},
	{"a route without scopes", "Path: /v1/operator/quarantine, Auth: {AuthorizationScopes: [operator]}", "Path: /v1/operator/quarantine, Auth: {}", "ListQuarantine", `a route needs AuthorizationScopes, or Authorizer: NONE`},
	{"a route with another's authorizer", "Auth: {Authorizer: NONE}", "Auth: {Authorizer: Center, AuthorizationScopes: [x]}", "TakeAlipayNotice", `no authorizer "Center"`},
	{"a slow function behind the API", "    Timeout: 10\n", "    Timeout: 60\n", "", `the function's Timeout of 60 s is beyond the API's 30 s`},
	{"no partial failures", "            FunctionResponseTypes: [ReportBatchItemFailures]\n", "", "", `UsageBills.Properties: FunctionResponseTypes is missing`},
	{"a large batch without a window", "            MaximumBatchingWindowInSeconds: 2\n", "", "", `a BatchSize above 10 needs a MaximumBatchingWindowInSeconds`},
	{"a queue event on a topic", "Queue: !GetAtt UsageBillQueue.Arn", "Queue: !Ref AlipaySecretArn", "", `Queue is no queue of this template`},
	{"a message visible too soon", "VisibilityTimeout: 420", "VisibilityTimeout: 300", "", `want at least 6 × Timeout + window = 362 s`},

	{"a filter that is no JSON", `{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "E#"}]}}}}'`, `{"dynamodb": '`, "", `FilterCriteria: no JSON`},
	{"a filter with an operator that isn't", `"D#notice#"}]`, `"D#notice#", "suffix": "x"}]`, "", `FilterCriteria: "dynamodb.Keys.pk.S": want one operator in an object`},
	{"a filter on what no record has", `'{"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "D#notice#"`, `'{"event": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "D#notice#"`, "", `a record of the stream has no "event"`},
	{"a filter on what no change has", `"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "D#notice#"`, `"dynamodb": {"Key": {"pk": {"S": [{"prefix": "D#notice#"`, "", `dynamodb of the stream has no "Key"`},
	{"a filter on what is no key", `"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "D#notice#"`, `"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "D#notice#"`, "", `Keys of the stream has no "PK"`},

	// Policies
	{"a wildcard in an action", "Action: sqs:SendMessage", "Action: sqs:*", "ReplayQuarantinedBills", `wildcard in action "sqs:*"`},
	{"a wildcard in a resource", "Resource: !GetAtt UsageBillQueue.Arn", "Resource: '*'", "ReplayQuarantinedBills", `wildcard in resource "*"`},
	{"a wildcard behind an ARN", "Resource: !Sub '${BillingTable.Arn}/index/due'", "Resource: !Sub '${BillingTable.Arn}/index/*'", "FindWhatIsDue", `/index/*"`},
	{"a misspelt action", "Action: sqs:SendMessage", "Action: sqs:SendMesage", "ReplayQuarantinedBills", `unknown action "sqs:SendMesage"`},
	{"a function that may delete", "dynamodb:PutItem, dynamodb:UpdateItem]", "dynamodb:PutItem, dynamodb:DeleteItem]", "ReadAndWriteDocuments", `no function may be allowed dynamodb:DeleteItem`},
	{"an action on another service's resource", "Resource: !Sub '${BillingTable.Arn}/index/due'", "Resource: !GetAtt UsageBillQueue.Arn", "FindWhatIsDue", `dynamodb:Query doesn't act on arn:aws:sqs`},
	{"an unknown policy template", "        - !Ref LedgerGuard\n", "        - {DynamoDBCrudPolicie: {TableName: !Ref BillingTable}}\n", "DynamoDBCrudPolicie", `policy template "DynamoDBCrudPolicie" is refused`},
	{"a policy template of SAM's", "        - !Ref LedgerGuard\n", "        - {DynamoDBCrudPolicy: {TableName: !Ref BillingTable}}\n", "DynamoDBCrudPolicy", `policy template "DynamoDBCrudPolicy" is refused`},
	{"a managed policy of AWS's", "        - !Ref LedgerGuard\n", "        - AdministratorAccess\n", "- AdministratorAccess", `"AdministratorAccess" is no managed policy of this template`},
	{"an Allow of all the rest", "              Effect: Deny\n              Action: [sqs:", "              Effect: Allow\n              Action: [sqs:", "", `an Allow with NotResource grants all the rest`},
	{"a secret that the function may not read", "      Environment: {Variables: {BILL_QUEUE_URL: !Ref UsageBillQueue, MAX_RECEIVE_COUNT: '20'}}", "      Environment: {Variables: {BILL_QUEUE_URL: !Ref UsageBillQueue, SECRET_ARN: !Ref CentreSecret}}", "", `SECRET_ARN: names a secret that the function may not read`},
	{"a secret that the function isn't told of", "      Environment: {Variables: {SECRET_ARN: !Ref CentreSecret}}\n", "", "ReadCursorKey", `isn't told of it in Environment`},
	{"a consumer that may not delete", "sqs:DeleteMessage, sqs:GetQueueAttributes,", "sqs:GetQueueAttributes,", "", `the function may not sqs:DeleteMessage on UsageBillQueue`},
	{"a stream whose failures go nowhere", "      Action: sqs:SendMessage\n              Resource: !GetAtt OutboxFailureQueue.Arn", "      Action: sqs:SendMessage\n              Resource: !GetAtt UsageBillQueue.Arn", "", `may not sqs:SendMessage to OutboxFailureQueue`},

	// What a deployment of this project must have
	{"a folder that isn't the function's", "CodeUri: functions/wallet", "CodeUri: functions/wallets", "", `must be functions/wallet, not functions/wallets`},
	{"a function built otherwise", "Metadata: {BuildMethod: go1.x}", "Metadata: {BuildMethod: makefile}", "", `Metadata.BuildMethod: must be go1.x`},
	{"a variable that is Lambda's", "        TABLE_NAME: !Ref BillingTable", "        AWS_REGION: !Ref BillingTable", "", `AWS_REGION: is no name that Lambda leaves to us`},
	{"a log group for two", "LogGroup: !Ref WalletLogGroup", "LogGroup: !Ref AccountsLogGroup", "", `AccountsLogGroup is the log group of AccountsFunction`},
	{"no log group", "      LoggingConfig: {LogGroup: !Ref WalletLogGroup}\n", "", "", `LoggingConfig is missing`},
	{"logs kept for ever", "AccountsLogGroup: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref LogRetentionDays}}", "AccountsLogGroup: {Type: AWS::Logs::LogGroup}", "", `RetentionInDays is missing`},
	{"a table that can be deleted", "DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "", `DeletionProtectionEnabled: must be on`},
	{"a table that is deleted with the stack", "    DeletionPolicy: Retain\n", "", "", `BillingTable: DeletionPolicy and UpdateReplacePolicy must be Retain`},
	{"no point-in-time recovery", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "", `PointInTimeRecoverySpecification: must be on`},
	{"a table that forgets what is due", "TimeToLiveSpecification: {AttributeName: until", "TimeToLiveSpecification: {AttributeName: due", "", `TimeToLiveSpecification: must be by "until"`},
	{"an index on an undeclared attribute", "{AttributeName: due, AttributeType: N}", "{AttributeName: dew, AttributeType: N}", "", `"due" isn't in AttributeDefinitions`},
	{"a queue without a dead-letter queue", "      RedrivePolicy:\n        deadLetterTargetArn: !GetAtt UsageBillDeadLetterQueue.Arn\n        maxReceiveCount: 20", "      DelaySeconds: 0", "", `UsageBillQueue has no dead-letter queue`},
	{"too few receives", "maxReceiveCount: 20", "maxReceiveCount: 3", "maxReceiveCount: 3", `maxReceiveCount: 3 is less than 5`},
	{"dead letters of any queue", "${AWS::StackName}-usage-bills']", "${AWS::StackName}-other']", "", `but the queues that send here are`},
	{"a queue in clear", "SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false", "", `SqsManagedSseEnabled: must be on`},
	{"a bucket that the public may read", "BlockPublicPolicy: true", "BlockPublicPolicy: false", "", `PublicAccessBlockConfiguration: must block all of it`},
	{"files kept for ever", "          - {Id: expire, Status: Enabled, ExpirationInDays: !Ref ExportDays}\n", "", "", `must let objects expire`},
	{"uploads kept for ever", "          - {Id: forget, Status: Enabled, AbortIncompleteMultipartUpload: {DaysAfterInitiation: 2}}\n", "", "", `and uploads that nobody ended`},
	{"a bucket without TLS", "Resource: [!GetAtt ExportBucket.Arn, !Sub '${ExportBucket.Arn}/*']", "Resource: [!GetAtt ExportBucket.Arn]", "", `keeps out what doesn't come over TLS`},
	{"a bucket in clear", "      BucketEncryption:\n        ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]\n", "", "", `BucketEncryption is missing`},
	{"all objects of a bucket", "Resource: !Sub '${ExportBucket.Arn}/exports/*'", "Resource: !Sub '${ExportBucket.Arn}/*'", "SignURLs", `wildcard in resource`},
	{"an API that logs nowhere", "DestinationArn: !GetAtt ApiAccessLogGroup.Arn", "DestinationArn: !GetAtt BillingTable.Arn", "", `is no log group of this template`},
	{"a default authorizer that isn't", "DefaultAuthorizer: Centre", "DefaultAuthorizer: Center", "", `no authorizer "Center"`},
	{"origins with a wildcard", "Default: https://console.example.com", "Default: 'https://*.example.com'", "", `"https://*.example.com" doesn't match`},
	{"an alarm on nothing", "      MetricName: Quarantined\n", "", "", `QuarantineAlarm.Properties: want either MetricName or Metrics`},
	// The bus
	{"an unknown property of a rule", "      EventPattern: {source: [billing-centre], detail-type: [{anything-but:", "      EventPatern: {source: [billing-centre], detail-type: [{anything-but:", "", `unknown property`},
	{"an operator that isn't", "{anything-but: [notice.charge_case]}", "{anything-butt: [notice.charge_case]}", "", `pattern: "detail-type": unknown operator "anything-butt"`},
	{"a pattern's leaf that is no list", "EventPattern: {source: [billing-centre], detail-type: [{anything-but:", "EventPattern: {source: billing-centre, detail-type: [{anything-but:", "", `pattern: "source" must be an object or an array`},
	{"a rule on no bus", "      EventBusName: !Ref CentreBus\n      EventPattern: {source: [billing-centre], detail-type: [{anything-but:", "      EventBusName: centre\n      EventPattern: {source: [billing-centre], detail-type: [{anything-but:", "", `EventBusName is no bus of this template`},
	{"a rule to nowhere", "          Arn: !GetAtt WebhookEventQueue.Arn\n", "          Arn: !GetAtt BillingTable.Arn\n", "", `is no queue of this template`},
	{"a rule without dead letters", "          DeadLetterConfig: {Arn: !GetAtt WebhookDeadLetterQueue.Arn}\n", "", "", `DeadLetterConfig is missing`},
	{"a queue that lets in all rules of everybody", "Condition: {ArnLike: {'aws:SourceArn': !GetAtt MailEchoRule.Arn}}", "Condition: {ArnLike: {'aws:SourceArn': !Sub 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/*'}}", "", `SourceArn`},
	{"a rule of AWS's own bus that no queue lets in", "Condition: {ArnLike: {'aws:SourceArn': !GetAtt MailEchoRule.Arn}}", "Condition: {ArnLike: {'aws:SourceArn': !GetAtt NoticesRule.Arn}}", "", `no AWS::SQS::QueuePolicy lets the bus send to NoticeQueue`},
	{"mails that tell another bus", "event-bus/default'}", "event-bus/${CentreBus}'}", "", `EventBusArn`},
	{"mails by a set that isn't", "      ConfigurationSetName: !Ref MailSet", "      ConfigurationSetName: mails", "", `is no configuration set of this template`},
	{"a queue that lets no bus in", "      Queues: [!Ref WebhookEventQueue, !Ref WebhookDeadLetterQueue]", "      Queues: [!Ref WebhookDeadLetterQueue]", "", `no AWS::SQS::QueuePolicy lets the bus send to WebhookEventQueue`},
	{"a queue that lets everybody in", "            Principal: {Service: events.amazonaws.com}\n            Action: sqs:SendMessage\n            Resource: [!GetAtt WebhookEventQueue.Arn", "            Principal: '*'\n            Action: sqs:SendMessage\n            Resource: [!GetAtt WebhookEventQueue.Arn", "", `want a mapping, not "*"`},
	{"a function whose failures go nowhere", "        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt ArrearsFailureQueue.Arn}}\n", "", "", `needs EventInvokeConfig.DestinationConfig`},

	{"a dashboard that is no JSON", `[["BillingCentre", "Quarantined"]]}},`, `[["BillingCentre", "Quarantined"]]}`, "", `DashboardBody: is no JSON`},
}

func TestMutantsAreCaught(t *testing.T) {
	text, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.rule, func(t *testing.T) {
			mutant := strings.Replace(string(text), m.old, m.new, 1)
			if mutant == string(text) {
				t.Fatalf("template.yaml has no %q to mutate", m.old)
			}
			template, err := sam.Parse("template.yaml", []byte(mutant))
			if err != nil {
				t.Fatal(err)
			}
			_, err = template.Resolve(sam.Local{Parameters: parameters()})
			var faults *sam.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("not caught: %v", err)
			}
			if !strings.Contains(err.Error(), m.message) {
				t.Fatalf("caught as\n%v\nwant %q", err, m.message)
			}
			if m.line != "" && !strings.Contains(err.Error(), "template.yaml:"+lineOf(mutant, m.line)) {
				t.Errorf("caught as\n%v\nwant line %s", err, lineOf(mutant, m.line))
			}
		})
	}
}

// lineOf is the number of the first line that bears a text.
func lineOf(text, part string) string {
	before, _, _ := strings.Cut(text, part)
	return strconv.Itoa(1 + strings.Count(before, "\n"))
}
