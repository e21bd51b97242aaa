package mailbox

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	netmail "net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const mostRecipients = 50

// input is SendEmail's, as far as the centre uses it. What is not here is refused, so that nothing is sent which the stand-in would
// silently leave out.
type input struct {
	FromEmailAddress     string
	ConfigurationSetName string
	Destination          struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content              struct {
		Simple *struct {
			Subject part
			Body    struct{ Text, Html *part } //nolint:revive // SES's spelling
			Headers []pair
		}
	}
	EmailTags []pair
}

type part struct{ Data, Charset string }

type pair struct{ Name, Value string }

// refusal is an error of the service.
type refusal struct {
	status  int
	code    string
	message string
}

func bad(message string) *refusal {
	return &refusal{http.StatusBadRequest, "BadRequestException", message}
}

func (m *Mailbox) serveSend(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(m.options.MostBytes)+64<<10))
	if err != nil {
		refuse(w, tooLarge(m.options.MostBytes))
		return
	}
	if no := m.verify(r, body); no != nil {
		refuse(w, no)
		return
	}
	var in input
	strict := json.NewDecoder(strings.NewReader(string(body)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&in); err != nil {
		refuse(w, bad("the stand-in can't read this: "+err.Error()))
		return
	}
	fate := m.fate(in.Destination.ToAddresses)
	switch fate {
	case Lost:
		panic(http.ErrAbortHandler) // the connection breaks
	case Failed:
		refuse(w, unwell)
		return
	case Throttled:
		refuse(w, &refusal{http.StatusTooManyRequests, "TooManyRequestsException", "Maximum sending rate exceeded."})
		return
	case Paused:
		refuse(w, &refusal{http.StatusBadRequest, "SendingPausedException", "Sending is paused for this account."})
		return
	}
	id, no := m.send(in, len(body))
	switch {
	case no != nil:
		refuse(w, no)
	case fate == AnswerLost:
		panic(http.ErrAbortHandler)
	case fate == FailedTaken:
		refuse(w, unwell)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"MessageId": id})
	}
}

var unwell = &refusal{http.StatusInternalServerError, "InternalServiceErrorException", "We encountered an internal error."}

func (m *Mailbox) fate(to []string) Fate {
	if m.options.Spoil == nil || len(to) == 0 {
		return Fine
	}
	return m.options.Spoil(to[0])
}

func refuse(w http.ResponseWriter, no *refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", no.code)
	w.WriteHeader(no.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": no.message})
}

// send checks a mail as SES does, and takes it.
func (m *Mailbox) send(in input, size int) (id string, no *refusal) {
	if size > m.options.MostBytes {
		return "", tooLarge(m.options.MostBytes)
	}
	for _, check := range []func(input) *refusal{m.checkSender, checkRecipients, checkContent, checkTags, m.checkSet} {
		if no := check(in); no != nil {
			return "", no
		}
	}
	mail := Mail{
		ID: newID(), At: m.options.Now().UTC(), From: in.FromEmailAddress, To: in.Destination.ToAddresses, Subject: in.Content.Simple.Subject.Data,
		Plain: in.Content.Simple.Body.Text.Data, HTML: in.Content.Simple.Body.Html.Data, Set: in.ConfigurationSetName,
		Headers: map[string]string{}, Tags: map[string][]string{}, Became: became(in.Destination.ToAddresses),
	}
	for _, header := range in.Content.Simple.Headers {
		mail.Headers[header.Name] = header.Value
	}
	for _, tag := range in.EmailTags {
		mail.Tags[tag.Name] = append(mail.Tags[tag.Name], tag.Value)
	}
	if err := m.take(mail); err != nil {
		m.options.Log.Error("the mailbox can't keep a mail", "error", err)
		return "", unwell
	}
	return mail.ID, nil
}

// newID looks as SES's message ids do.
func newID() string {
	var b [23]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	text := hex.EncodeToString(b[:])
	return "0100" + text[:12] + "-" + text[12:20] + "-" + text[20:24] + "-" + text[24:28] + "-" + text[28:32] + "-" + text[32:44] + "-000000"
}

func tooLarge(most int) *refusal {
	return bad("Message length is more than " + strconv.Itoa(most) + " bytes long.")
}

func (m *Mailbox) checkSender(in input) *refusal {
	from, err := netmail.ParseAddress(in.FromEmailAddress)
	if err != nil || strings.ContainsAny(in.FromEmailAddress, "\r\n") {
		return bad("Missing final '@domain'")
	}
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	if !slices.Contains(m.options.Identities, from.Address) && !slices.Contains(m.options.Identities, domain) {
		return &refusal{
			http.StatusBadRequest, "MessageRejected",
			"Email address is not verified. The following identities failed the check in region US-EAST-1: " + from.Address,
		}
	}
	return nil
}

// plain is what SES takes for an address: 7 bits, no name beside it.
var plain = regexp.MustCompile(`^[!#$%&'*+/=?^_{|}~.0-9A-Za-z` + "`" + `-]+@[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+$`)

func checkRecipients(in input) *refusal {
	to := slices.Concat(in.Destination.ToAddresses, in.Destination.CcAddresses, in.Destination.BccAddresses)
	if len(to) == 0 || len(to) > mostRecipients {
		return bad("Recipient count must be between 1 and 50.")
	}
	for _, address := range to {
		if !plain.MatchString(address) || len(address) > 320 {
			return bad("Illegal address")
		}
	}
	return nil
}

var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9-]{1,126}$`)
	headerValue = regexp.MustCompile(`^[ -~]{1,870}$`)
	tagText     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

func checkContent(in input) *refusal {
	simple := in.Content.Simple
	switch {
	case simple == nil:
		return bad("Only simple content is simulated.")
	case simple.Body.Text == nil || simple.Body.Html == nil || simple.Body.Text.Data == "" || simple.Body.Html.Data == "":
		return bad("The stand-in wants both a text and an HTML body.")
	case simple.Subject.Data == "" || strings.ContainsAny(simple.Subject.Data, "\r\n"):
		return bad("Subject must be one line.")
	}
	for _, p := range []part{simple.Subject, *simple.Body.Text, *simple.Body.Html} {
		if p.Charset != "UTF-8" || !utf8.ValidString(p.Data) {
			return bad("The stand-in wants UTF-8, and said so: the default is 7-bit ASCII.")
		}
	}
	for _, header := range simple.Headers {
		if !headerName.MatchString(header.Name) || !headerValue.MatchString(header.Value) {
			return bad("Invalid header <" + header.Name + ">.")
		}
	}
	return nil
}

func checkTags(in input) *refusal {
	for _, tag := range in.EmailTags {
		if !tagText.MatchString(tag.Name) || !tagText.MatchString(tag.Value) {
			return bad("Invalid email tag: only alphanumeric ASCII characters, '_' and '-' are allowed.")
		}
	}
	return nil
}

func (m *Mailbox) set(name string) (ConfigurationSet, bool) {
	at := slices.IndexFunc(m.options.ConfigurationSets, func(set ConfigurationSet) bool { return set.Name == name })
	if at < 0 {
		return ConfigurationSet{}, false
	}
	return m.options.ConfigurationSets[at], true
}

func (m *Mailbox) checkSet(in input) *refusal {
	if _, known := m.set(in.ConfigurationSetName); !known && in.ConfigurationSetName != "" {
		return &refusal{http.StatusNotFound, "NotFoundException", "Configuration set <" + in.ConfigurationSetName + "> does not exist."}
	}
	return nil
}
