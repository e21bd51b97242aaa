package sam

// CloudFormation's own types, as far as template.yaml uses them. AWS's validator knows them in full; here they are
// read strictly as well, so that a property which the stack doesn't simulate is never overlooked.

type table struct {
	Line                             int              `cfn:"@line"`
	TableName                        string           `cfn:"TableName"`
	BillingMode                      string           `cfn:"BillingMode,required" oneof:"PAY_PER_REQUEST"`
	DeletionProtectionEnabled        bool             `cfn:"DeletionProtectionEnabled,required"`
	PointInTimeRecoverySpecification pointInTime      `cfn:"PointInTimeRecoverySpecification,required"`
	SSESpecification                 tableEncryption  `cfn:"SSESpecification,required"`
	StreamSpecification              streamSpec       `cfn:"StreamSpecification,required"`
	TimeToLiveSpecification          *timeToLive      `cfn:"TimeToLiveSpecification"`
	AttributeDefinitions             []attribute      `cfn:"AttributeDefinitions,required" min:"1"`
	KeySchema                        []keyElement     `cfn:"KeySchema,required" min:"1"`
	GlobalSecondaryIndexes           []secondaryIndex `cfn:"GlobalSecondaryIndexes"`
}

type pointInTime struct {
	PointInTimeRecoveryEnabled bool `cfn:"PointInTimeRecoveryEnabled,required"`
	RecoveryPeriodInDays       int  `cfn:"RecoveryPeriodInDays" min:"1" max:"35"`
}

type tableEncryption struct {
	SSEEnabled bool   `cfn:"SSEEnabled,required"`
	SSEType    string `cfn:"SSEType" oneof:"KMS"`
}

type streamSpec struct {
	StreamViewType string `cfn:"StreamViewType,required" oneof:"NEW_AND_OLD_IMAGES|NEW_IMAGE|OLD_IMAGE|KEYS_ONLY"`
}

// timeToLive isn't simulated: what is over goes days later at AWS, so that nobody may rely on its being gone.
type timeToLive struct {
	AttributeName string `cfn:"AttributeName,required"`
	Enabled       bool   `cfn:"Enabled,required"`
}

type attribute struct {
	AttributeName string `cfn:"AttributeName,required"`
	AttributeType string `cfn:"AttributeType,required" oneof:"S|N|B"`
}

type keyElement struct {
	AttributeName string `cfn:"AttributeName,required"`
	KeyType       string `cfn:"KeyType,required" oneof:"HASH|RANGE"`
}

type secondaryIndex struct {
	IndexName  string       `cfn:"IndexName,required" match:"^[a-zA-Z0-9_.-]{3,255}$"`
	KeySchema  []keyElement `cfn:"KeySchema,required" min:"1"`
	Projection projection   `cfn:"Projection,required"`
}

type projection struct {
	ProjectionType string `cfn:"ProjectionType,required" oneof:"KEYS_ONLY|ALL"`
}

type queue struct {
	Line                          int            `cfn:"@line"`
	QueueName                     string         `cfn:"QueueName" match:"^[a-zA-Z0-9_-]{1,80}$"`
	SqsManagedSseEnabled          bool           `cfn:"SqsManagedSseEnabled,required"`
	VisibilityTimeout             *int           `cfn:"VisibilityTimeout" min:"0" max:"43200"`
	MessageRetentionPeriod        *int           `cfn:"MessageRetentionPeriod" min:"60" max:"1209600"`
	ReceiveMessageWaitTimeSeconds *int           `cfn:"ReceiveMessageWaitTimeSeconds" min:"0" max:"20"`
	DelaySeconds                  *int           `cfn:"DelaySeconds" min:"0" max:"900"`
	MaximumMessageSize            *int           `cfn:"MaximumMessageSize" min:"1024" max:"1048576"`
	RedrivePolicy                 *redrivePolicy `cfn:"RedrivePolicy"`
	RedriveAllowPolicy            *redriveAllow  `cfn:"RedriveAllowPolicy"`
}

type redrivePolicy struct {
	DeadLetterTargetArn string `cfn:"deadLetterTargetArn,required"`
	MaxReceiveCount     int    `cfn:"maxReceiveCount,required" min:"5" max:"1000"`
}

type redriveAllow struct {
	RedrivePermission string   `cfn:"redrivePermission,required" oneof:"byQueue|denyAll|allowAll"`
	SourceQueueArns   []string `cfn:"sourceQueueArns" min:"1" match:"^arn:"`
}

type secret struct {
	Line                 int            `cfn:"@line"`
	Description          string         `cfn:"Description"`
	GenerateSecretString generateSecret `cfn:"GenerateSecretString,required"`
}

type generateSecret struct {
	SecretStringTemplate string `cfn:"SecretStringTemplate,required"`
	GenerateStringKey    string `cfn:"GenerateStringKey,required"`
	PasswordLength       int    `cfn:"PasswordLength,required" min:"32" max:"4096"`
	ExcludePunctuation   bool   `cfn:"ExcludePunctuation"`
}

type logGroup struct {
	Line            int    `cfn:"@line"`
	LogGroupName    string `cfn:"LogGroupName"`
	RetentionInDays int    `cfn:"RetentionInDays,required" min:"1" max:"3653"`
}

type managedPolicy struct {
	Line           int            `cfn:"@line"`
	Description    string         `cfn:"Description"`
	PolicyDocument policyDocument `cfn:"PolicyDocument,required"`
}

type alarm struct {
	Line               int         `cfn:"@line"`
	AlarmDescription   string      `cfn:"AlarmDescription,required"`
	Namespace          string      `cfn:"Namespace"`
	MetricName         string      `cfn:"MetricName"`
	Dimensions         []dimension `cfn:"Dimensions"`
	Statistic          string      `cfn:"Statistic" oneof:"Sum|Maximum|Minimum|Average|SampleCount"`
	Period             int         `cfn:"Period" min:"10"`
	Metrics            []metric    `cfn:"Metrics" min:"1"`
	EvaluationPeriods  int         `cfn:"EvaluationPeriods,required" min:"1"`
	DatapointsToAlarm  int         `cfn:"DatapointsToAlarm" min:"1"`
	Threshold          int         `cfn:"Threshold,required"`
	ComparisonOperator string      `cfn:"ComparisonOperator,required" oneof:"GreaterThanThreshold|GreaterThanOrEqualToThreshold|LessThanThreshold|LessThanOrEqualToThreshold"`
	TreatMissingData   string      `cfn:"TreatMissingData,required" oneof:"breaching|notBreaching|ignore|missing"`
	AlarmActions       []string    `cfn:"AlarmActions"`
}

type metric struct {
	ID         string      `cfn:"Id,required" match:"^[a-z][a-zA-Z0-9_]*$"`
	Expression string      `cfn:"Expression"`
	Label      string      `cfn:"Label"`
	Period     int         `cfn:"Period" min:"10"`
	ReturnData bool        `cfn:"ReturnData"`
	MetricStat *metricStat `cfn:"MetricStat"`
}

type metricStat struct {
	Stat   string `cfn:"Stat,required"`
	Period int    `cfn:"Period,required" min:"10"`
	Metric struct {
		Namespace  string      `cfn:"Namespace,required"`
		MetricName string      `cfn:"MetricName,required"`
		Dimensions []dimension `cfn:"Dimensions"`
	} `cfn:"Metric,required"`
}

type dimension struct {
	Name  string `cfn:"Name,required"`
	Value string `cfn:"Value,required"`
}

type dashboard struct {
	Line          int    `cfn:"@line"`
	DashboardName string `cfn:"DashboardName"`
	DashboardBody string `cfn:"DashboardBody,required"`
}
