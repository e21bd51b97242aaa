package metric

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCountIsOneLineOfEmbeddedMetricFormat(t *testing.T) {
	var out bytes.Buffer
	m := Metrics{Out: &out, Now: func() time.Time { return time.UnixMilli(1_700_000_000_000) }}
	m.Count("Quarantined", 2, "Source", "usage-bills")
	m.Count("Settled", 3, "", "")
	want := `{"Quarantined":2,"Source":"usage-bills","_aws":{"CloudWatchMetrics":[{"Dimensions":[[],["Source"]],"Metrics":[{"Name":"Quarantined","Unit":"Count"}],"Namespace":"BillingCentre"}],"Timestamp":1700000000000}}
{"Settled":3,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"Metrics":[{"Name":"Settled","Unit":"Count"}],"Namespace":"BillingCentre"}],"Timestamp":1700000000000}}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
