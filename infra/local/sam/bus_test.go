package sam_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/sam"
)

func TestTheBusAndItsRules(t *testing.T) {
	d := resolve(t, sam.Local{Parameters: parameters()})
	wantBus := []sam.Bus{{LogicalID: "CentreBus", Name: "local-events", ARN: "arn:aws:events:us-east-1:000000000000:event-bus/local-events"}}
	if diff := cmp.Diff(wantBus, d.Buses); diff != "" {
		t.Error(diff)
	}
	want := sam.Rule{
		LogicalID: "WebhooksRule", BusLogicalID: "CentreBus", Enabled: true,
		Pattern: `{"detail-type":[{"anything-but":["notice.charge_case"]}],"source":["billing-centre"]}`,
		Targets: []sam.RuleTarget{{ID: "webhooks", QueueLogicalID: "WebhookEventQueue", Delivery: sam.Delivery{
			Retries: 185, MaxAge: 24 * time.Hour, DeadLetterQueueLogicalID: "WebhookDeadLetterQueue",
		}}},
	}
	if diff := cmp.Diff(want, named(t, d.Rules, "WebhooksRule", func(r sam.Rule) string { return r.LogicalID })); diff != "" {
		t.Error(diff)
	}
	arrears := functionOf(t, d, "ArrearsFunction")
	if len(arrears.Rules) != 1 || arrears.Rules[0].BusLogicalID != "CentreBus" || arrears.Async.FailureQueueLogicalID != "ArrearsFailureQueue" {
		t.Errorf("%+v, %+v", arrears.Rules, arrears.Async)
	}
}
