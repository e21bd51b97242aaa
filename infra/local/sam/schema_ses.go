package sam

// SES: the configuration set by which mails are sent, and where it tells what becomes of them. The identity that sends is made
// and verified by hand, since its domain's DNS must agree.

type configurationSet struct {
	Line           int    `cfn:"@line"`
	Name           string `cfn:"Name,required" match:"^[a-zA-Z0-9_-]{1,64}$"`
	SendingOptions *struct {
		SendingEnabled bool `cfn:"SendingEnabled,required"`
	} `cfn:"SendingOptions"`
	ReputationOptions *struct {
		ReputationMetricsEnabled bool `cfn:"ReputationMetricsEnabled,required"`
	} `cfn:"ReputationOptions"`
	SuppressionOptions *struct {
		SuppressedReasons []string `cfn:"SuppressedReasons,required" oneof:"BOUNCE|COMPLAINT"`
	} `cfn:"SuppressionOptions"`
}

type setDestination struct {
	Line                 int    `cfn:"@line"`
	ConfigurationSetName string `cfn:"ConfigurationSetName,required"`
	EventDestination     struct {
		Name                   string   `cfn:"Name" match:"^[a-zA-Z0-9_-]{1,64}$"`
		Enabled                bool     `cfn:"Enabled,required"`
		MatchingEventTypes     []string `cfn:"MatchingEventTypes,required" min:"1" oneof:"SEND|REJECT|BOUNCE|COMPLAINT|DELIVERY|RENDERING_FAILURE|DELIVERY_DELAY"`
		EventBridgeDestination struct {
			EventBusArn string `cfn:"EventBusArn,required" match:"^arn:[^*]+:event-bus/default$"` // the only one that SES knows
		} `cfn:"EventBridgeDestination,required"`
	} `cfn:"EventDestination,required"`
}

// ConfigurationSet is one of SES.
type ConfigurationSet struct {
	LogicalID string
	Name      string
	Events    []string // those that it publishes on the account's default bus
}

func (r *reading) checkMail() {
	for id, destination := range bodies[setDestination](r) {
		if _, ok := r.references.owner(destination.ConfigurationSetName, "AWS::SES::ConfigurationSet", ""); !ok {
			r.faults.add(destination.Line, id+".Properties.ConfigurationSetName", "is no configuration set of this template")
		}
	}
}

// mailSets adds SES's configuration sets and what they publish.
func (r *reading) mailSets(d *Deployment) {
	for id := range bodies[configurationSet](r) {
		set := ConfigurationSet{LogicalID: id, Name: r.references.values[id]}
		for _, destination := range bodies[setDestination](r) {
			if destination.ConfigurationSetName == set.Name && destination.EventDestination.Enabled {
				set.Events = append(set.Events, destination.EventDestination.MatchingEventTypes...)
			}
		}
		d.MailSets = append(d.MailSets, set)
	}
}
