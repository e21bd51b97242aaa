package marketplace

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/metering"
	"billingcentre/shared/metering/alibaba"
	"billingcentre/shared/metering/aws"
	"billingcentre/shared/metering/huawei"
)

var (
	noon      = time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)
	providers = []string{"aws", "alibaba", "huawei"}
)

// shop is marketplaces at noon, and their true meters.
type shop struct {
	*Server
	url    string
	meters map[string]metering.Meter
	fate   Fate
}

func open(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	options := optionsOf(func() time.Time { return noon })
	options.Spoil = func(string, int) Fate { return s.fate }
	s.Server = New(options)
	server := httptest.NewServer(s.Server)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.meters = meters(server.URL, &http.Client{Timeout: time.Minute}, options.Now)
	return s
}

// usage is a record of a customer, a minute ago.
func usage(id, customer string, quantity int64) metering.Record {
	return metering.Record{ID: id, Customer: customer, Dimension: "fen", Quantity: quantity, At: noon.Add(-time.Minute)}
}

func verdicts(results []metering.Result) (all []metering.Verdict) {
	for _, r := range results {
		all = append(all, r.Verdict)
	}
	return all
}

func TestWhatIsPushedIsCharged(t *testing.T) {
	s := open(t)
	for _, provider := range providers {
		got := s.meters[provider].Push(t.Context(), []metering.Record{usage("r-1", "one", 940), usage("r-2", "two", 1)})
		if diff := cmp.Diff([]metering.Verdict{metering.Accepted, metering.Accepted}, verdicts(got)); diff != "" {
			t.Errorf("%s: %v", provider, got)
		}
		if (got[0].Reference != "") != (provider == "aws") {
			t.Errorf("%s: the reference is %q", provider, got[0].Reference)
		}
	}
	var charged []string
	for _, a := range s.Accepted() {
		charged = append(charged, a.Provider+" "+a.Customer)
		if want := int64(940); a.Customer == "one" && a.Quantity != want || !a.At.Equal(noon.Add(-time.Minute)) {
			t.Errorf("%+v", a)
		}
	}
	if diff := cmp.Diff([]string{"aws one", "aws two", "alibaba one", "alibaba two", "huawei one", "huawei two"}, charged); diff != "" {
		t.Error(diff)
	}
}

// What makes sending again safe: the same record is charged once. Where it isn't so, the meter says so.
func TestTheSameAgain(t *testing.T) {
	s := open(t)
	for _, provider := range providers {
		meter := s.meters[provider]
		if !meter.Limits().Again {
			continue
		}
		before := len(s.Accepted())
		for range 3 {
			if got := meter.Push(t.Context(), []metering.Record{usage("r-1", "one", 940)}); got[0].Verdict != metering.Accepted {
				t.Errorf("%s: %+v", provider, got)
			}
		}
		if n := len(s.Accepted()) - before; n != 1 {
			t.Errorf("%s charged %d times", provider, n)
		}
	}
	if s.meters["alibaba"].Limits().Again {
		t.Error("nothing says that Alibaba Cloud charges the same usage once")
	}
	other := s.meters["aws"].Push(t.Context(), []metering.Record{usage("r-2", "one", 941)})
	if other[0].Verdict != metering.Duplicate || other[0].Code != "DuplicateRecord" {
		t.Errorf("another quantity for the hour: %+v", other)
	}
}

// A record that is refused takes no other with it.
func TestRefusals(t *testing.T) {
	for name, row := range map[string]struct {
		providers []string
		spoil     func(*metering.Record)
		want      metering.Verdict
	}{
		"no customer":     {providers, func(r *metering.Record) { r.Customer = "stranger" }, ""},
		"unsubscribed":    {providers, func(r *metering.Record) { r.Customer = "unsubscribed" }, ""},
		"too old":         {providers, func(r *metering.Record) { r.At = noon.AddDate(0, 0, -22) }, metering.Refused},
		"in the future":   {providers, func(r *metering.Record) { r.At = noon.Add(time.Minute) }, metering.Refused},
		"no dimension":    {[]string{"aws"}, func(r *metering.Record) { r.Dimension = "hours" }, metering.Refused},
		"no licence":      {[]string{"aws"}, func(r *metering.Record) { r.License, r.Customer = "arn:aws:iam::1:user/x", "123456789012" }, metering.Refused},
		"licence, no AWS": {[]string{"aws"}, func(r *metering.Record) { r.License = "arn:aws:license-manager:us-east-1:1:license:l-1" }, metering.NotSubscribed},
	} {
		for _, provider := range row.providers {
			s := open(t)
			bad := usage("r-2", "two", 2)
			row.spoil(&bad)
			want := row.want
			if want == "" { // Alibaba's codes don't tell strangers from others
				want = map[string]metering.Verdict{"aws": metering.NotSubscribed, "alibaba": metering.Refused, "huawei": metering.NotSubscribed}[provider]
			}
			got := s.meters[provider].Push(t.Context(), []metering.Record{usage("r-1", "one", 1), bad, usage("r-3", "three", 3)})
			if diff := cmp.Diff([]metering.Verdict{metering.Accepted, want, metering.Accepted}, verdicts(got)); diff != "" {
				t.Errorf("%s at %s: %v", name, provider, got)
			}
			if len(s.Accepted()) != 2 {
				t.Errorf("%s at %s: charged %v", name, provider, s.Accepted())
			}
		}
	}
}

// What isn't a record's fault, wrong keys among it, did nothing, and waits.
func TestWrongKeys(t *testing.T) {
	s := open(t)
	now := func() time.Time { return noon }
	stolen := map[string]metering.Meter{
		"aws": aws.New(marketplacemetering.Options{
			Region: "us-east-1", BaseEndpoint: &s.url, Credentials: credentials.NewStaticCredentialsProvider(testKeys.AWSKeyID, "another", ""),
		}, product),
		"alibaba": alibaba.New(alibaba.Config{Gateway: s.url + alibabaPath, KeyID: testKeys.AlibabaKeyID, KeySecret: "another", HTTP: http.DefaultClient, Now: now}),
		"huawei":  huawei.New(huawei.Config{Gateway: s.url, Key: "another", HTTP: http.DefaultClient, Now: now}),
	}
	for provider, meter := range stolen {
		if got := meter.Push(t.Context(), []metering.Record{usage("r-1", "one", 1)}); got[0].Verdict != metering.Busy || got[0].Code == "" {
			t.Errorf("%s: %+v", provider, got)
		}
	}
	if len(s.Accepted()) != 0 {
		t.Error(s.Accepted())
	}
}

// What each fault looks like from here, and what it did there.
func TestFaults(t *testing.T) {
	const busy, unknown, accepted = metering.Busy, metering.Unknown, metering.Accepted
	for fate, row := range map[Fate]struct {
		name    string
		want    [2]metering.Verdict // of two records
		charged int                 // of them
		aws     bool                // only there
	}{
		Lost:            {"lost", [2]metering.Verdict{unknown, unknown}, 0, false},
		AnswerLost:      {"answer lost", [2]metering.Verdict{unknown, unknown}, 2, false},
		Slow:            {"slow", [2]metering.Verdict{unknown, unknown}, 2, false},
		ServerError:     {"server error", [2]metering.Verdict{unknown, unknown}, 0, false},
		ServerErrorDone: {"server error, though done", [2]metering.Verdict{unknown, unknown}, 2, false},
		Throttled:       {"throttled", [2]metering.Verdict{busy, busy}, 0, false},
		Partial:         {"unprocessed", [2]metering.Verdict{accepted, busy}, 1, true},
		Forgetful:       {"left out of the answer", [2]metering.Verdict{accepted, unknown}, 2, true},
	} {
		for _, provider := range providers {
			if row.aws && provider != "aws" {
				continue
			}
			s := open(t)
			if s.fate = fate; fate == Slow {
				s.meters = meters(s.url, &http.Client{Timeout: 100 * time.Millisecond}, func() time.Time { return noon })
			}
			got := verdicts(s.meters[provider].Push(t.Context(), []metering.Record{usage("r-1", "one", 1), usage("r-2", "two", 2)}))
			for end := time.Now().Add(10 * time.Second); fate == Slow && len(s.Accepted()) < row.charged && time.Now().Before(end); {
				runtime.Gosched() // on a busy machine it is done after we have gone
			}
			slices.Sort(got)
			if diff := cmp.Diff(row.want[:], got); diff != "" || len(s.Accepted()) != row.charged {
				t.Errorf("%s at %s: %v, charged %d", row.name, provider, got, len(s.Accepted()))
			}
		}
	}
}

// A push is one call, whatever becomes of it: a second one's answer would hide what became of the first.
func TestNobodyTriesTwice(t *testing.T) {
	for _, fate := range []Fate{Lost, AnswerLost, ServerErrorDone, Throttled} {
		for _, provider := range providers {
			s := open(t)
			s.fate = fate
			s.meters[provider].Push(t.Context(), []metering.Record{usage("r-1", "one", 1)})
			s.mu.Lock()
			calls := s.calls
			s.mu.Unlock()
			if calls != 1 {
				t.Errorf("fate %d at %s: %d calls", fate, provider, calls)
			}
		}
	}
}

// A marketplace that can't be reached did nothing.
func TestUnreachable(t *testing.T) {
	for provider, meter := range meters("http://127.0.0.1:1", http.DefaultClient, func() time.Time { return noon }) {
		if got := meter.Push(t.Context(), []metering.Record{usage("r-1", "one", 1)}); got[0].Verdict != metering.Busy {
			t.Errorf("%s: %+v", provider, got)
		}
	}
}

// Records by licence and by product code go in calls of their own, and a customer of twelve digits is an AWS account.
func TestLicences(t *testing.T) {
	s := open(t)
	licensed := usage("r-2", "123456789012", 2)
	licensed.License = "arn:aws:license-manager:us-east-1:1:license:l-1"
	got := s.meters["aws"].Push(t.Context(), []metering.Record{usage("r-1", "cust-1", 1), licensed, usage("r-3", "210987654321", 3)})
	if diff := cmp.Diff([]metering.Verdict{metering.Accepted, metering.Accepted, metering.Accepted}, verdicts(got)); diff != "" {
		t.Error(got)
	}
	var kept []string
	for _, a := range s.Accepted() {
		kept = append(kept, a.Customer+" "+a.License)
	}
	if diff := cmp.Diff([]string{"cust-1 ", "210987654321 ", "123456789012 " + licensed.License}, kept); diff != "" {
		t.Error(diff)
	}
}

// The stand-in refuses what our meters never send, too.
func TestTheServiceItself(t *testing.T) {
	s := open(t)
	client := marketplacemetering.New(marketplacemetering.Options{
		Region: "us-east-1", BaseEndpoint: &s.url, Retryer: awssdk.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(testKeys.AWSKeyID, testKeys.AWSSecret, ""),
	})
	record := types.UsageRecord{CustomerIdentifier: awssdk.String("one"), Dimension: awssdk.String("fen"), Quantity: awssdk.Int32(1), Timestamp: awssdk.Time(noon)}
	for name, row := range map[string]struct {
		product *string
		records []types.UsageRecord
		want    string
	}{
		"26 records":    {awssdk.String(product), slices.Repeat([]types.UsageRecord{record}, 26), "ValidationException"},
		"other product": {awssdk.String("prod-2"), []types.UsageRecord{record}, "InvalidProductCodeException"},
		"no product":    {nil, []types.UsageRecord{record}, "InvalidLicenseException"},
	} {
		_, err := client.BatchMeterUsage(t.Context(), &marketplacemetering.BatchMeterUsageInput{ProductCode: row.product, UsageRecords: row.records})
		var told smithy.APIError
		if !errors.As(err, &told) || told.ErrorCode() != row.want {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
	if got := s.meters["alibaba"].Push(t.Context(), []metering.Record{usage("r-1", "one", 1)}); got[0].Verdict != metering.Accepted {
		t.Error(got)
	}
	if got := s.meters["alibaba"].Push(t.Context(), []metering.Record{usage("r-2", "one", 1)}); got[0].Verdict != metering.Busy {
		t.Errorf("twice within a minute: %+v", got)
	}
}

// The example of Alibaba Cloud's documentation of its RPC signature.
func TestTheDocumentedSignature(t *testing.T) {
	form := map[string][]string{
		"Timestamp": {"2016-02-23T12:46:24Z"}, "Format": {"XML"}, "AccessKeyId": {"testid"}, "Action": {"DescribeRegions"},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureNonce": {"3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"}, "Version": {"2014-05-26"}, "SignatureVersion": {"1.0"},
	}
	if got := alibaba.Sign(http.MethodGet, form, "testsecret"); got != "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" {
		t.Errorf("signed as %s", got)
	}
}
