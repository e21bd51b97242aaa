package sam

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Deployment is what a template deploys, in plain values. Lists are sorted by LogicalID, or by name within one.
type Deployment struct {
	API       API
	Functions []Function
	Tables    []Table
	Queues    []Queue
	Secrets   []Secret
	Buckets   []Bucket
	Buses     []Bus
	Rules     []Rule // those that send to queues; those that invoke are the functions'
	MailSets  []ConfigurationSet
	Outputs   map[string]string
}

// Function is one Lambda function.
type Function struct {
	LogicalID string
	Folder    string // "functions/recharge", from the template's folder
	Timeout   time.Duration
	MemoryMB  int
	Env       map[string]string
	Policy    []Statement // its own, and those of the managed policies it names
	HTTP      []Route
	Queues    []QueueSource
	Streams   []StreamSource
	Schedules []Schedule
	Rules     []BusSource
	Async     AsyncInvoke // what becomes of an event that a rule or a schedule invoked it with in vain
}

// Name is the function's short name: the last part of its folder.
func (f Function) Name() string { return strings.TrimPrefix(f.Folder, "functions/") }

// Statement is one of a function's permissions. It applies to Resources or, if there are none, to all but NotResources.
type Statement struct {
	Allow        bool
	Actions      []string
	Resources    []string
	NotResources []string
}

// May tells whether the function's own role lets it do an action on a resource's ARN. What SAM adds to a role for logs,
// traces and event sources is not looked at.
func (f Function) May(action, resource string) bool {
	allowed := false
	for _, s := range f.Policy {
		if !slices.Contains(s.Actions, action) {
			continue
		}
		applies := slices.Contains(s.Resources, resource)
		if len(s.Resources) == 0 {
			applies = !slices.Contains(s.NotResources, resource)
		}
		if applies && !s.Allow {
			return false
		}
		allowed = allowed || applies
	}
	return allowed
}

// Route is one route of the API.
type Route struct {
	Event  string // its name in the template
	Method string
	Path   string   // "/v1/accounts/{account}"
	Scopes []string // any one of them is enough
	Public bool     // no token is asked for
}

// Key is the route's key in events: "GET /v1/accounts/{account}".
func (r Route) Key() string { return r.Method + " " + r.Path }

// QueueSource is a queue that a function is invoked from.
type QueueSource struct {
	Event              string
	QueueLogicalID     string
	BatchSize          int
	Window             time.Duration
	ReportFailures     bool
	MaximumConcurrency int
}

// StreamSource is a table's stream that a function is invoked from.
type StreamSource struct {
	Event                 string
	TableLogicalID        string
	StartingPosition      string // TRIM_HORIZON or LATEST
	BatchSize             int
	Window                time.Duration
	BisectOnError         bool
	ReportFailures        bool
	MaximumRetryAttempts  int
	MaximumRecordAge      time.Duration
	FailureQueueLogicalID string
	Filters               []string // patterns, checked; none lets every record through
}

// Schedule is a time at which a function is invoked.
type Schedule struct {
	Event      string
	Expression string // rate(), cron() or at(): checked
	TimeZone   string // "UTC" where the template names none
	Input      string // "" for Scheduler's own event
}

// Key names an attribute that is a key, and its type: S, N or B.
type Key struct{ Name, Type string }

// Index is a table's own key, or that of a global secondary index. Range.Name is "" where there is none.
type Index struct {
	Name       string
	Hash       Key
	Range      Key
	Projection string // KEYS_ONLY or ALL; "" for the table itself
}

// Table is one DynamoDB table.
type Table struct {
	LogicalID  string
	Name       string
	Key        Index
	Indexes    []Index
	StreamView string
}

// Queue is one SQS queue, AWS's defaults filled in.
type Queue struct {
	LogicalID       string
	Name            string
	URL             string
	ARN             string
	Visibility      time.Duration
	Retention       time.Duration
	ReceiveWait     time.Duration
	Delay           time.Duration
	MaxMessageBytes int
	DeadLetterID    string // the LogicalID of the queue for dead letters; "" for none
	MaxReceiveCount int
	RedriveSources  []string // ARNs of the queues that may send dead letters here; nil for any
}

// Secret is one secret whose text is generated: a JSON object with one random member.
type Secret struct {
	LogicalID          string
	ARN                string
	Template           string // the JSON object that the member is added to
	Key                string // the member
	Length             int    // of the random text
	ExcludePunctuation bool
}

// API is the HTTP API; its routes are the functions'.
type API struct {
	LogicalID string
	Issuer    string
	Audience  []string
	CORS      *CORS // nil for none
	Rate      int   // requests a second, over all clients
	Burst     int
}

// CORS is what browsers of other origins may do.
type CORS struct {
	Origins       []string
	Methods       []string
	Headers       []string
	ExposeHeaders []string
	Credentials   bool
	MaxAge        time.Duration
}

func (r *reading) deployment() *Deployment {
	d := &Deployment{Outputs: r.outputs}
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		switch body := r.resources[id].body.(type) {
		case *httpAPI:
			d.API = api(id, body)
		case *function:
			d.Functions = append(d.Functions, r.function(id, body))
		case *table:
			d.Tables = append(d.Tables, r.table(id, body))
		case *queue:
			d.Queues = append(d.Queues, r.queue(id, body))
		case *secret:
			generate := body.GenerateSecretString
			d.Secrets = append(d.Secrets, Secret{
				LogicalID: id, ARN: r.references.values[id], Template: generate.SecretStringTemplate,
				Key: generate.GenerateStringKey, Length: generate.PasswordLength, ExcludePunctuation: generate.ExcludePunctuation,
			})
		}
	}
	r.eventBuses(d)
	r.mailSets(d)
	r.buckets(d)
	return d
}

func api(id string, a *httpAPI) API {
	jwt := a.Auth.Authorizers[a.Auth.DefaultAuthorizer].JwtConfiguration
	out := API{
		LogicalID: id, Issuer: jwt.Issuer, Audience: jwt.Audience,
		Rate: a.DefaultRouteSettings.ThrottlingRateLimit, Burst: a.DefaultRouteSettings.ThrottlingBurstLimit,
	}
	if c := a.CorsConfiguration; c != nil {
		out.CORS = &CORS{c.AllowOrigins, c.AllowMethods, c.AllowHeaders, c.ExposeHeaders, c.AllowCredentials, seconds(c.MaxAge)}
	}
	return out
}

func (r *reading) function(id string, f *function) Function {
	out := Function{
		LogicalID: id, Folder: f.CodeURI, Timeout: seconds(f.Timeout), MemoryMB: f.MemorySize, Env: f.Environment.Variables,
		Policy: r.policy(f), Async: r.asyncInvoke(f),
	}
	for _, name := range slices.Sorted(maps.Keys(f.Events)) {
		switch e := f.Events[name]; {
		case e.http != nil:
			out.HTTP = append(out.HTTP, Route{
				name, e.http.Method, e.http.Path, e.http.Auth.AuthorizationScopes, e.http.Auth.Authorizer == "NONE",
			})
		case e.queue != nil:
			out.Queues = append(out.Queues, r.queueSource(name, e.queue))
		case e.stream != nil:
			out.Streams = append(out.Streams, r.streamSource(name, e.stream))
		case e.schedule != nil:
			zone := e.schedule.ScheduleExpressionTimezone
			if zone == "" {
				zone = "UTC"
			}
			out.Schedules = append(out.Schedules, Schedule{name, e.schedule.ScheduleExpression, zone, e.schedule.Input})
		case e.bus != nil:
			out.Rules = append(out.Rules, r.busSource(name, e.bus))
		}
	}
	return out
}

func (r *reading) policy(f *function) []Statement {
	documents := slices.Clone(f.Policies.documents)
	for _, managed := range f.Policies.managed {
		if id, ok := r.references.owner(managed.value, "AWS::IAM::ManagedPolicy", ""); ok {
			documents = append(documents, bodies[managedPolicy](r)[id].PolicyDocument)
		}
	}
	var out []Statement
	for _, document := range documents {
		for _, s := range document.Statement {
			out = append(out, Statement{s.Effect == "Allow", s.Action, s.Resource, s.NotResource})
		}
	}
	return out
}

func (r *reading) queueSource(name string, e *queueEvent) QueueSource {
	id, _ := r.references.owner(e.Queue, "AWS::SQS::Queue", "Arn")
	return QueueSource{
		Event: name, QueueLogicalID: id, BatchSize: e.BatchSize, Window: seconds(e.MaximumBatchingWindowInSeconds),
		ReportFailures: len(e.FunctionResponseTypes) > 0, MaximumConcurrency: e.ScalingConfig.MaximumConcurrency,
	}
}

func (r *reading) streamSource(name string, e *streamEvent) StreamSource {
	table, _ := r.references.owner(e.Stream, "AWS::DynamoDB::Table", "StreamArn")
	failed, _ := r.references.owner(e.DestinationConfig.OnFailure.Destination, "AWS::SQS::Queue", "Arn")
	source := StreamSource{
		Event: name, TableLogicalID: table, StartingPosition: e.StartingPosition, BatchSize: e.BatchSize,
		Window: seconds(e.MaximumBatchingWindowInSeconds), BisectOnError: e.BisectBatchOnFunctionError,
		ReportFailures: len(e.FunctionResponseTypes) > 0, MaximumRetryAttempts: e.MaximumRetryAttempts,
		MaximumRecordAge: seconds(e.MaximumRecordAgeInSeconds), FailureQueueLogicalID: failed,
	}
	if e.FilterCriteria != nil {
		for _, f := range e.FilterCriteria.Filters {
			source.Filters = append(source.Filters, f.Pattern)
		}
	}
	return source
}

func (r *reading) table(id string, t *table) Table {
	types := map[string]string{}
	for _, a := range t.AttributeDefinitions {
		types[a.AttributeName] = a.AttributeType
	}
	index := func(name string, keys []keyElement, projection string) Index {
		out := Index{Name: name, Projection: projection, Hash: Key{keys[0].AttributeName, types[keys[0].AttributeName]}}
		if len(keys) > 1 {
			out.Range = Key{keys[1].AttributeName, types[keys[1].AttributeName]}
		}
		return out
	}
	out := Table{
		LogicalID: id, Name: r.references.values[id], Key: index("", t.KeySchema, ""),
		StreamView: t.StreamSpecification.StreamViewType,
	}
	for _, i := range t.GlobalSecondaryIndexes {
		out.Indexes = append(out.Indexes, index(i.IndexName, i.KeySchema, i.Projection.ProjectionType))
	}
	return out
}

func (r *reading) queue(id string, q *queue) Queue {
	out := Queue{
		LogicalID: id, Name: r.references.values[id+".QueueName"], URL: r.references.values[id], ARN: r.references.values[id+".Arn"],
		Visibility: seconds(valueOr(q.VisibilityTimeout, 30)), Retention: seconds(retention(q)),
		ReceiveWait: seconds(valueOr(q.ReceiveMessageWaitTimeSeconds, 0)), Delay: seconds(valueOr(q.DelaySeconds, 0)),
		MaxMessageBytes: valueOr(q.MaximumMessageSize, 1<<20),
	}
	if q.RedrivePolicy != nil {
		out.DeadLetterID, _ = r.references.owner(q.RedrivePolicy.DeadLetterTargetArn, "AWS::SQS::Queue", "Arn")
		out.MaxReceiveCount = q.RedrivePolicy.MaxReceiveCount
	}
	if q.RedriveAllowPolicy != nil {
		out.RedriveSources = q.RedriveAllowPolicy.SourceQueueArns
	}
	return out
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
