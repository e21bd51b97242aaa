// Package secrets is Secrets Manager for one machine: GetSecretValue behind the
// service's JSON protocol, which is all that the functions ask for. The secrets
// are set by whoever starts it, and live in memory only: where they are kept, and
// who may read that, is the caller's concern. No value is ever logged.
//
// A secret is found by its name, its ARN or its ARN without the six characters
// that Secrets Manager appends, as there. Putting a new value keeps the one before
// as AWSPREVIOUS, so that a rotation can be tried.
package secrets

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"billingcentre/infra/local/uuid"
)

const (
	targetPrefix = "secretsmanager."
	contentType  = "application/x-amz-json-1.1"
	account      = "000000000000"
	// maxSecretBytes and maxNameLength are Secrets Manager's.
	maxSecretBytes = 65_536
	maxNameLength  = 512
	// maxRequestBytes of a request, which has names only.
	maxRequestBytes = 64 << 10
)

// Stages of a version.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// Options says where the server lives. The zero value is usable.
type Options struct {
	Region string           // in ARNs; "us-east-1" if empty
	Now    func() time.Time // time.Now if nil
}

// Server holds the secrets. It is safe for concurrent use.
type Server struct {
	region string
	now    func() time.Time

	mu      sync.Mutex
	secrets map[string]*secret // by name
}

var _ http.Handler = (*Server)(nil)

// secret has its versions, the newest first: two at most.
type secret struct {
	name, arn string
	versions  []version
}

type version struct {
	id      string
	value   string
	created time.Time
}

// New returns a server without secrets.
func New(o Options) *Server {
	s := &Server{region: cmp.Or(o.Region, "us-east-1"), now: o.Now, secrets: map[string]*secret{}}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Put sets a secret's value and returns its ARN, which depends on its name alone.
// The value that it had is AWSPREVIOUS from now on, unless it is the same.
func (s *Server) Put(name, value string) (arn string, err error) {
	if !validName(name) {
		return "", fmt.Errorf("secret %q: a name has 1 to %d letters, digits and /_+=.@-", name, maxNameLength)
	}
	if value == "" || len(value) > maxSecretBytes {
		return "", fmt.Errorf("secret %s: a value has 1 to %d bytes", name, maxSecretBytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.secrets[name]
	if found == nil {
		found = &secret{name: name, arn: s.prefix() + name + "-" + suffix(name)}
		s.secrets[name] = found
	}
	if len(found.versions) > 0 && found.versions[0].value == value {
		return found.arn, nil
	}
	fresh := version{id: uuid.New(), value: value, created: s.now()}
	found.versions = append([]version{fresh}, found.versions...)
	found.versions = found.versions[:min(len(found.versions), 2)]
	return found.arn, nil
}

func (s *Server) prefix() string {
	return "arn:aws:secretsmanager:" + s.region + ":" + account + ":secret:"
}

// suffix stands for the six characters that Secrets Manager draws, but is the
// same at each start.
func suffix(name string) string {
	sum := md5.Sum([]byte(name))
	return hex.EncodeToString(sum[:3])
}

func validName(name string) bool {
	return name != "" && len(name) <= maxNameLength && strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/_+=.@-", r))
	}) < 0
}

// find by name, ARN, or ARN without its suffix. The lock is held.
func (s *Server) find(id string) *secret {
	if found := s.secrets[id]; found != nil {
		return found
	}
	if found := s.secrets[strings.TrimPrefix(id, s.prefix())]; found != nil {
		return found
	}
	for _, found := range s.secrets {
		if found.arn == id {
			return found
		}
	}
	return nil
}

type getInput struct {
	SecretID     string `json:"SecretId"`
	VersionID    string `json:"VersionId"`
	VersionStage string
}

type getOutput struct {
	ARN           string
	Name          string
	SecretString  string
	VersionID     string `json:"VersionId"`
	VersionStages []string
	CreatedDate   float64
}

// refusal is an error of the service.
type refusal struct {
	code    string
	message string
}

func (s *Server) get(in getInput) (getOutput, *refusal) {
	if in.SecretID == "" {
		return getOutput{}, &refusal{"ValidationException", "1 validation error detected: Value at 'secretId' failed to satisfy constraint: Member must not be null"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(in.SecretID)
	if found == nil {
		return getOutput{}, &refusal{"ResourceNotFoundException", "Secrets Manager can't find the specified secret."}
	}
	stages := []string{current, previous}
	for i, v := range found.versions {
		byID := in.VersionID == "" || in.VersionID == v.id
		byStage := in.VersionStage == stages[i] || in.VersionStage == "" && (in.VersionID != "" || i == 0)
		if byID && byStage {
			return getOutput{
				ARN: found.arn, Name: found.name, SecretString: v.value, VersionID: v.id,
				VersionStages: stages[i : i+1], CreatedDate: float64(v.created.UnixMilli()) / 1000,
			}, nil
		}
	}
	sought := "staging label: " + cmp.Or(in.VersionStage, current)
	if in.VersionID != "" {
		sought = "VersionId: " + in.VersionID
	}
	return getOutput{}, &refusal{"ResourceNotFoundException", "Secrets Manager can't find the specified secret value for " + sought}
}

// ServeHTTP answers one request of the JSON protocol. Signatures aren't checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", contentType)
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	var in getInput
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBytes)).Decode(&in); err != nil {
		refuse(w, &refusal{"SerializationException", "the request is no JSON"})
		return
	}
	if r.Method != http.MethodPost || action != "GetSecretValue" {
		refuse(w, &refusal{"UnknownOperationException", "Only GetSecretValue is simulated, not " + action})
		return
	}
	out, no := s.get(in)
	if no != nil {
		refuse(w, no)
		return
	}
	_ = json.NewEncoder(w).Encode(out) // fails only when nobody reads it any more
}

func refuse(w http.ResponseWriter, no *refusal) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": no.code, "Message": no.message})
}
