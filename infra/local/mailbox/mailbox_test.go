package mailbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/mailbox"
	"billingcentre/shared/mail"
	"billingcentre/shared/mail/ses"
)

// post is a mailbox behind HTTP, and the centre's own sender in front of it.
type post struct {
	*mailbox.Mailbox
	server *httptest.Server
	sender *ses.Sender
	told   []string // detail types of what was published
}

func newPost(t *testing.T, change func(*mailbox.Options)) *post {
	p := &post{}
	options := mailbox.Options{
		Identities: []string{"example.com"}, ConfigurationSets: []mailbox.ConfigurationSet{{Name: "notices", Events: []string{"SEND", "DELIVERY", "BOUNCE", "COMPLAINT"}}}, Keys: map[string]string{"local": "secret"},
		Publish: func(_ context.Context, _ string, text []byte) error {
			var event struct {
				Type   string `json:"detail-type"`
				Detail struct {
					Mail struct{ Tags map[string][]string }
				}
			}
			if err := json.Unmarshal(text, &event); err != nil {
				return err
			}
			p.told = append(p.told, event.Type+" "+strings.Join(event.Detail.Mail.Tags["mailing"], ","))
			return nil
		},
	}
	if change != nil {
		change(&options)
	}
	var err error
	if p.Mailbox, err = mailbox.New(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	p.server = httptest.NewServer(p.Mailbox)
	t.Cleanup(p.server.Close)
	p.sender = &ses.Sender{From: "billing@example.com", ConfigurationSet: "notices", API: ses.Client(sesv2.Options{
		Region: "us-east-1", BaseEndpoint: &p.server.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "secret", "session"),
	})}
	return p
}

func envelope(to string) mail.Envelope {
	return mail.Envelope{To: to, Tags: map[string]string{"mailing": "M-1", "recipient": "0"}, Letter: mail.Letter{
		Language: mail.Chinese, Sender: "费用中心", Subject: "充值到账：1.00 元", Plain: "您的充值已到账\n", HTML: "<p>您的充值已到账</p>",
	}}
}

func TestALetterArrivesAsItWasWritten(t *testing.T) {
	p := newPost(t, nil)
	id, err := p.sender.Send(t.Context(), envelope("a@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	got := p.Mails()
	if len(got) != 1 || got[0].ID != id {
		t.Fatalf("%+v", got)
	}
	got[0].ID, got[0].At = "", got[0].At.Truncate(0).AddDate(-got[0].At.Year(), 0, 0)
	want := mailbox.Mail{
		At: got[0].At, From: "=?utf-8?q?=E8=B4=B9=E7=94=A8=E4=B8=AD=E5=BF=83?= <billing@example.com>", To: []string{"a@example.org"}, Subject: "充值到账：1.00 元",
		Plain: "您的充值已到账\n", HTML: "<p>您的充值已到账</p>", Set: "notices", Became: "Delivery",
		Headers: map[string]string{"Auto-Submitted": "auto-generated", "Content-Language": "zh"}, Tags: map[string][]string{"mailing": {"M-1"}, "recipient": {"0"}},
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	p.Deliver(t.Context())
	if diff := cmp.Diff([]string{"Email Sent M-1", "Email Delivered M-1"}, p.told); diff != "" {
		t.Error(diff)
	}
}

// Every failure, as the sender tells it, and whether the mail was taken.
func TestWhatCanBeKnownOfALetterThatFailed(t *testing.T) {
	always := func(fate mailbox.Fate) func(*mailbox.Options) {
		return func(o *mailbox.Options) { o.Spoil = func(string) mailbox.Fate { return fate } }
	}
	for name, row := range map[string]struct {
		options func(*mailbox.Options)
		change  func(*post, *mail.Envelope)
		fate    mail.Fate
		reason  string
		taken   int
	}{
		"an unverified sender":      {nil, func(p *post, _ *mail.Envelope) { p.sender.From = "billing@example.net" }, mail.Later, "MessageRejected", 0},
		"a bad address":             {nil, func(_ *post, e *mail.Envelope) { e.To = "nobody" }, mail.Refused, "BadRequestException", 0},
		"an address beyond ASCII":   {nil, func(_ *post, e *mail.Envelope) { e.To = "财务@example.org" }, mail.Refused, "BadRequestException", 0},
		"a subject of two lines":    {nil, func(_ *post, e *mail.Envelope) { e.Letter.Subject = "a\r\nBcc: b@example.org" }, mail.Refused, "BadRequestException", 0},
		"a bad tag":                 {nil, func(_ *post, e *mail.Envelope) { e.Tags["mailing"] = "a b" }, mail.Refused, "BadRequestException", 0},
		"too large":                 {func(o *mailbox.Options) { o.MostBytes = 500 }, nil, mail.Refused, "BadRequestException", 0},
		"no such configuration set": {nil, func(p *post, _ *mail.Envelope) { p.sender.ConfigurationSet = "others" }, mail.Later, "NotFoundException", 0},
		"a key of nobody":           {func(o *mailbox.Options) { o.Keys = nil }, nil, mail.Later, "UnrecognizedClientException", 0},
		"a wrong secret":            {func(o *mailbox.Options) { o.Keys = map[string]string{"local": "other"} }, nil, mail.Later, "InvalidSignatureException", 0},
		"throttled":                 {always(mailbox.Throttled), nil, mail.Later, "TooManyRequestsException", 0},
		"paused":                    {always(mailbox.Paused), nil, mail.Later, "SendingPausedException", 0},
		"never arrived":             {always(mailbox.Lost), nil, mail.Unknown, "no answer", 0},
		"the answer is lost":        {always(mailbox.AnswerLost), nil, mail.Unknown, "no answer", 1},
		"500, not taken":            {always(mailbox.Failed), nil, mail.Unknown, "no answer", 0},
		"500, but taken":            {always(mailbox.FailedTaken), nil, mail.Unknown, "no answer", 1},
		"nobody listens":            {nil, func(p *post, _ *mail.Envelope) { p.server.Close() }, mail.Later, "not reached", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, row.options)
			e := envelope("a@example.org")
			if row.change != nil {
				row.change(p, &e)
			}
			_, err := p.sender.Send(t.Context(), e)
			var failure *mail.Failure
			if !errors.As(err, &failure) || failure.Fate != row.fate || failure.Reason != row.reason {
				t.Errorf("%v", err)
			}
			if taken := len(p.Mails()); taken != row.taken {
				t.Errorf("%d mails were taken, want %d: the SDK must not send anything twice", taken, row.taken)
			}
		})
	}
}

func TestAForgedOrStaleSignatureIsRefused(t *testing.T) {
	p := newPost(t, nil)
	for name, authorization := range map[string]string{
		"none": "", "another scheme": "Bearer x", "half of one": "AWS4-HMAC-SHA256 Credential=local/20261101/us-east-1/ses/aws4_request",
		"forged": "AWS4-HMAC-SHA256 Credential=local/20261101/us-east-1/ses/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+"/v2/email/outbound-emails", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", authorization)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

func TestSimulatedAddressesBounceAndComplain(t *testing.T) {
	p := newPost(t, nil)
	for _, to := range []string{"bounce@simulator.amazonses.com", "complaint@simulator.amazonses.com"} {
		if _, err := p.sender.Send(t.Context(), envelope(to)); err != nil {
			t.Fatal(err)
		}
	}
	p.Deliver(t.Context())
	want := []string{"Email Sent M-1", "Email Bounced M-1", "Email Sent M-1", "Email Delivered M-1", "Email Complaint Received M-1"}
	if diff := cmp.Diff(want, p.told); diff != "" {
		t.Error(diff)
	}
}

func TestMailsSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mails.jsonl")
	p := newPost(t, func(o *mailbox.Options) { o.Journal = path })
	for range 3 {
		if _, err := p.sender.Send(t.Context(), envelope("a@example.org")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	again := newPost(t, func(o *mailbox.Options) { o.Journal = path })
	if diff := cmp.Diff(p.Mails(), again.Mails()); diff != "" {
		t.Error(diff)
	}
}

func TestThePagesShowWhatIsSafe(t *testing.T) {
	p := newPost(t, nil)
	e := envelope("a@example.org")
	e.Letter.Subject, e.Letter.HTML = "<script>alert(1)</script>", "<p>Hello</p><script>alert(1)</script>"
	id, err := p.sender.Send(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path, accept string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", accept)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(body)
	}
	for _, path := range []string{"/", "/mails/" + id} {
		if answer, body := get(path, "text/html"); answer.StatusCode != 200 || strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s: %d\n%s", path, answer.StatusCode, body)
		}
	}
	if answer, body := get("/mails/"+id+"/html", "text/html"); body != e.Letter.HTML || !strings.HasPrefix(answer.Header.Get("Content-Security-Policy"), "sandbox;") {
		t.Errorf("%v\n%s", answer.Header, body)
	}
	if _, body := get("/mails/"+id+"/plain", "text/plain"); body != e.Letter.Plain {
		t.Error(body)
	}
	_, text := get("/", "application/json")
	var listed []mailbox.Mail
	if err := json.Unmarshal([]byte(text), &listed); err != nil || len(listed) != 1 || listed[0].ID != id {
		t.Errorf("%v %s", err, text)
	}
	if answer, _ := get("/mails/none", "text/html"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%d", answer.StatusCode)
	}
}

func TestNothingElseOfSESIsSimulated(t *testing.T) {
	p := newPost(t, nil)
	client := ses.Client(sesv2.Options{Region: "us-east-1", BaseEndpoint: &p.server.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "secret", "")})
	if _, err := client.GetAccount(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "UnknownOperation") {
		t.Errorf("%v", err)
	}
}
