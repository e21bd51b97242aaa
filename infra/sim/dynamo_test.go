package sim

import (
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb"
	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/ledgertest/faults"
)

var dynamoSeeds = flag.Int("dynamo", 2, "how many seeds are simulated over DynamoDB Local")

// TestSimulationOverDynamoDB lives some seeds over the real store and the real SDK, with faults in the transport
// beneath it besides those of the weather: the store must make of an HTTP failure what the ledger takes it for.
func TestSimulationOverDynamoDB(t *testing.T) {
	if testing.Short() {
		t.Skip("needs DynamoDB Local")
	}
	var met counts
	calls := 0
	for seed := *first; seed < *first+uint64(*dynamoSeeds); seed++ {
		stormy, plan := false, faults.Random(seed, 0.05)
		transport := faults.Under(http.DefaultTransport, func(call faults.Call) faults.Fault {
			fault := plan(call)
			if fault.Kind == faults.Late { // what lands late is the simulation's own affair: it must know when
				fault.Kind = faults.AnswerLost
			}
			if !stormy {
				return faults.Fault{}
			}
			return fault
		})
		client, table := dynamodbtest.Client(t, func(o *sdk.Options) {
			o.HTTPClient = &http.Client{Transport: transport}
			o.Retryer = retry.AddWithMaxBackoffDelay(retry.NewStandard(), time.Millisecond) // this time is real
		})
		store, stop := Outside(dynamo.New(client, table))
		truth, stopTruth := Outside(dynamo.New(dynamodb.Client(dynamodbtest.Endpoint(t)), table))
		r := Run(t, seed, Options{Store: store, Truth: truth, Storm: func(on bool) { stormy = on }})
		stop()
		stopTruth()
		met.add(&r)
		all, _ := transport.Calls()
		calls += all
		if why := r.Error(); why != "" {
			t.Error(why)
		} else if r.Linearizable(time.Minute) == porcupine.Illegal {
			t.Errorf("seed %d isn't linearizable", seed)
		}
	}
	t.Logf("%v, %d HTTP calls", &met, calls)
}
