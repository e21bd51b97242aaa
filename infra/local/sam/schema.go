package sam

import "gopkg.in/yaml.v3"

// What of SAM the local stack understands. A property that isn't here is refused, so that nothing is deployed which
// the stack would silently not simulate.

type function struct {
	Line              int              `cfn:"@line"`
	CodeURI           string           `cfn:"CodeUri,required"`
	Description       string           `cfn:"Description"`
	Handler           string           `cfn:"Handler,required" oneof:"bootstrap"`
	Runtime           string           `cfn:"Runtime,required" oneof:"provided.al2023"`
	Architectures     []string         `cfn:"Architectures,required" oneof:"arm64"`
	MemorySize        int              `cfn:"MemorySize,required" min:"512" max:"10240"`
	Timeout           int              `cfn:"Timeout,required" min:"1" max:"900"`
	Tracing           string           `cfn:"Tracing,required" oneof:"Active"`
	Environment       environment      `cfn:"Environment"`
	LoggingConfig     loggingConfig    `cfn:"LoggingConfig,required"`
	EventInvokeConfig *invokeConfig    `cfn:"EventInvokeConfig"`
	Policies          policies         `cfn:"Policies,required"`
	Events            map[string]event `cfn:"Events,required"`
}

type environment struct {
	Variables map[string]string `cfn:"Variables,required"`
}

type loggingConfig struct {
	LogGroup string `cfn:"LogGroup,required"`
}

type retryPolicy struct {
	MaximumRetryAttempts     int `cfn:"MaximumRetryAttempts" min:"0" max:"185"`
	MaximumEventAgeInSeconds int `cfn:"MaximumEventAgeInSeconds" min:"60" max:"86400"`
}

// invokeConfig is what becomes of events that the function is invoked with asynchronously.
type invokeConfig struct {
	MaximumRetryAttempts     *int               `cfn:"MaximumRetryAttempts" min:"0" max:"2"`
	MaximumEventAgeInSeconds *int               `cfn:"MaximumEventAgeInSeconds" min:"60" max:"21600"`
	DestinationConfig        *destinationConfig `cfn:"DestinationConfig"`
}

// event is one trigger: exactly one of the five is set, by its Type.
type event struct {
	line     int
	http     *httpEvent
	queue    *queueEvent
	stream   *streamEvent
	schedule *scheduleEvent
	bus      *busEvent
}

type httpEvent struct {
	APIID                string    `cfn:"ApiId,required"`
	Method               string    `cfn:"Method,required" oneof:"GET|POST|PUT|PATCH|DELETE|HEAD"`
	Path                 string    `cfn:"Path,required"`
	Auth                 *httpAuth `cfn:"Auth,required"`
	TimeoutInMillis      int       `cfn:"TimeoutInMillis" min:"50" max:"30000"`
	PayloadFormatVersion string    `cfn:"PayloadFormatVersion" oneof:"2.0"`
}

type httpAuth struct {
	Authorizer          string   `cfn:"Authorizer"`
	AuthorizationScopes []string `cfn:"AuthorizationScopes" min:"1" match:"^[a-z]+([.][a-z]+)*$"`
}

type queueEvent struct {
	Queue                          string        `cfn:"Queue,required"`
	BatchSize                      int           `cfn:"BatchSize,required" min:"1" max:"10000"`
	MaximumBatchingWindowInSeconds int           `cfn:"MaximumBatchingWindowInSeconds" min:"0" max:"300"`
	FunctionResponseTypes          []string      `cfn:"FunctionResponseTypes,required" min:"1" oneof:"ReportBatchItemFailures"`
	ScalingConfig                  scalingConfig `cfn:"ScalingConfig,required"`
}

type scalingConfig struct {
	MaximumConcurrency int `cfn:"MaximumConcurrency,required" min:"2" max:"1000"`
}

type streamEvent struct {
	Stream                         string            `cfn:"Stream,required"`
	StartingPosition               string            `cfn:"StartingPosition,required" oneof:"TRIM_HORIZON|LATEST"`
	BatchSize                      int               `cfn:"BatchSize,required" min:"1" max:"10000"`
	MaximumBatchingWindowInSeconds int               `cfn:"MaximumBatchingWindowInSeconds" min:"0" max:"300"`
	BisectBatchOnFunctionError     bool              `cfn:"BisectBatchOnFunctionError"`
	FunctionResponseTypes          []string          `cfn:"FunctionResponseTypes" min:"1" oneof:"ReportBatchItemFailures"`
	MaximumRetryAttempts           int               `cfn:"MaximumRetryAttempts,required" min:"0" max:"10000"`
	MaximumRecordAgeInSeconds      int               `cfn:"MaximumRecordAgeInSeconds,required" min:"60" max:"604800"`
	DestinationConfig              destinationConfig `cfn:"DestinationConfig,required"`
	FilterCriteria                 *filterCriteria   `cfn:"FilterCriteria"`
}

// filterCriteria are patterns of the records that a function gets; one that matches is enough.
type filterCriteria struct {
	Filters []filter `cfn:"Filters,required" min:"1"`
}

type filter struct {
	Pattern string `cfn:"Pattern,required"`
}

type destinationConfig struct {
	OnFailure onFailure `cfn:"OnFailure,required"`
}

type onFailure struct {
	Type        string `cfn:"Type,required" oneof:"SQS"`
	Destination string `cfn:"Destination,required"`
}

type scheduleEvent struct {
	ScheduleExpression         string         `cfn:"ScheduleExpression,required"`
	ScheduleExpressionTimezone string         `cfn:"ScheduleExpressionTimezone"`
	Description                string         `cfn:"Description"`
	Input                      string         `cfn:"Input"`
	FlexibleTimeWindow         flexibleWindow `cfn:"FlexibleTimeWindow,required"`
	RetryPolicy                *retryPolicy   `cfn:"RetryPolicy"`
}

type flexibleWindow struct {
	Mode string `cfn:"Mode,required" oneof:"OFF"`
}

func (e *event) decode(d *decoder, n *yaml.Node, where string) {
	var form struct {
		Type       string     `cfn:"Type,required"`
		Properties properties `cfn:"Properties,required"`
	}
	d.into(n, &form, where)
	e.line = n.Line
	if form.Type == "" || form.Properties.node == nil {
		return
	}
	var target any
	switch form.Type {
	case "HttpApi":
		e.http = new(httpEvent)
		target = e.http
	case "SQS":
		e.queue = new(queueEvent)
		target = e.queue
	case "DynamoDB":
		e.stream = new(streamEvent)
		target = e.stream
	case "ScheduleV2":
		e.schedule = new(scheduleEvent)
		target = e.schedule
	case "EventBridgeRule":
		e.bus = new(busEvent)
		target = e.bus
	default:
		d.faults.add(n.Line, where+".Type", "unknown event type %q", form.Type)
		return
	}
	d.into(form.Properties.node, target, where+".Properties")
}

// properties keeps a node until it is known what it should be.
type properties struct{ node *yaml.Node }

func (p *properties) decode(_ *decoder, n *yaml.Node, _ string) { p.node = n }

type httpAPI struct {
	Line                 int               `cfn:"@line"`
	Name                 string            `cfn:"Name"`
	Description          string            `cfn:"Description"`
	Auth                 apiAuth           `cfn:"Auth,required"`
	CorsConfiguration    *corsConfig       `cfn:"CorsConfiguration"`
	DefaultRouteSettings routeSettings     `cfn:"DefaultRouteSettings,required"`
	AccessLogSettings    accessLogSettings `cfn:"AccessLogSettings,required"`
	FailOnWarnings       bool              `cfn:"FailOnWarnings"`
}

type apiAuth struct {
	DefaultAuthorizer string                `cfn:"DefaultAuthorizer,required"`
	Authorizers       map[string]authorizer `cfn:"Authorizers,required"`
}

type authorizer struct {
	IdentitySource   string           `cfn:"IdentitySource,required" oneof:"$request.header.Authorization"`
	JwtConfiguration jwtConfiguration `cfn:"JwtConfiguration,required"`
}

type jwtConfiguration struct {
	Issuer   string   `cfn:"issuer,required" match:"^https?://."`
	Audience []string `cfn:"audience,required" min:"1" match:"."`
}

type corsConfig struct {
	AllowOrigins     []string `cfn:"AllowOrigins,required" min:"1" match:"^https?://[^/*]+$"`
	AllowMethods     []string `cfn:"AllowMethods,required" min:"1" match:"^[A-Z]+$"`
	AllowHeaders     []string `cfn:"AllowHeaders" match:"^[a-z-]+$"`
	ExposeHeaders    []string `cfn:"ExposeHeaders" match:"^[a-z-]+$"`
	AllowCredentials bool     `cfn:"AllowCredentials"`
	MaxAge           int      `cfn:"MaxAge" min:"0" max:"86400"`
}

type routeSettings struct {
	DetailedMetricsEnabled bool `cfn:"DetailedMetricsEnabled"`
	ThrottlingRateLimit    int  `cfn:"ThrottlingRateLimit,required" min:"1"`
	ThrottlingBurstLimit   int  `cfn:"ThrottlingBurstLimit,required" min:"1"`
}

type accessLogSettings struct {
	DestinationArn string `cfn:"DestinationArn,required" match:"^arn:"`
	Format         string `cfn:"Format,required"`
}
