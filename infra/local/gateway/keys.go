package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keysTimeout  = 1500 * time.Millisecond // of each of the two requests, as on AWS
	maxKeys      = 150_000                 // bytes, as on AWS
	keysMinAge   = 5 * time.Second         // an unknown key id makes it ask again, but not more often
	keysLifetime = 2 * time.Hour
)

// keys are the issuer's, fetched as OpenID Connect says when they are first needed.
type keys struct {
	issuer string
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex // held while fetching: one fetch at a time is enough
	set     jose.JSONWebKeySet
	fetched time.Time
}

func newKeys(issuer string, client *http.Client, now func() time.Time) *keys {
	return &keys{issuer: issuer, client: client, now: now}
}

// find is the key of an id, nil for none; an error says that the issuer couldn't be asked.
func (k *keys) find(ctx context.Context, id string) (*jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.now().Sub(k.fetched)
	if found := k.known(id); found != nil && age < keysLifetime {
		return found, nil
	}
	if k.fetched.IsZero() || age >= keysMinAge {
		set, err := k.fetch(ctx)
		if err != nil {
			return nil, err
		}
		k.set, k.fetched = set, k.now()
	}
	return k.known(id), nil
}

func (k *keys) known(id string) *jose.JSONWebKey {
	for _, key := range k.set.Key(id) {
		if key.IsPublic() && key.Valid() && (key.Use == "" || key.Use == "sig") {
			return &key
		}
	}
	return nil
}

func (k *keys) fetch(ctx context.Context) (jose.JSONWebKeySet, error) {
	var configuration struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	var set jose.JSONWebKeySet
	if err := k.get(ctx, strings.TrimSuffix(k.issuer, "/")+"/.well-known/openid-configuration", &configuration); err != nil {
		return set, err
	}
	if configuration.Issuer != k.issuer {
		return set, fmt.Errorf("the issuer at %s says that it is %s", k.issuer, configuration.Issuer)
	}
	return set, k.get(ctx, configuration.Keys, &set)
}

func (k *keys) get(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask the issuer: %w", err)
	}
	response, err := k.client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the issuer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeys))
	if err != nil {
		return fmt.Errorf("ask the issuer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the issuer: %s answered %s", url, response.Status)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("ask the issuer: %s: %w", url, err)
	}
	return nil
}
