package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"time"

	"billingcentre/infra/local/alipay"
	"billingcentre/infra/local/issuer"
	"billingcentre/infra/local/sam"
	"billingcentre/infra/local/secrets"
	"billingcentre/infra/local/wholefile"
)

const (
	issuerKeyFile = "issuer-key.pem"
	alipaySecret  = "alipay"
)

func (s *Stack) openIssuer(context.Context) error {
	var err error
	s.Issuer, err = issuer.Open(issuer.Options{
		KeyFile: s.data(issuerKeyFile), URL: url(s.listeners.issuer), Audience: Audience, Now: time.Now,
	})
	return err
}

// openSecrets makes the stand-in's keys, and puts the app's side of them where the functions look for it.
func (s *Stack) openSecrets(context.Context) error {
	s.secrets = secrets.New(secrets.Options{Region: region})
	var err error
	if s.keys, err = alipay.LoadOrCreate(s.data()); err != nil {
		return fmt.Errorf("make Alipay's keys: %w", err)
	}
	if s.options.Certificates {
		if s.keys, err = s.keys.Certified(); err != nil {
			return fmt.Errorf("make Alipay's certificates: %w", err)
		}
	}
	text, err := s.keys.SecretJSON()
	if err != nil {
		return fmt.Errorf("make Alipay's secret: %w", err)
	}
	s.alipayARN, err = s.secrets.Put(alipaySecret, string(text))
	return err
}

// putGenerated puts a secret that the template has generated. It is generated once: voucher codes depend on it.
func (s *Stack) putGenerated(secret sam.Secret) (arn string, err error) {
	path := s.data("secrets", secret.LogicalID+".json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = generate(secret); err == nil {
			err = wholefile.Write(path, text)
		}
	}
	if err != nil {
		return "", fmt.Errorf("keep secret %s: %w", secret.LogicalID, err)
	}
	return s.secrets.Put(secret.LogicalID, string(text))
}

const (
	letters     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	punctuation = `!#$%&()*+,-./:;<=>?@[]^_{|}~`
)

// generate does what Secrets Manager's GenerateSecretString does.
func generate(secret sam.Secret) ([]byte, error) {
	alphabet := letters
	if !secret.ExcludePunctuation {
		alphabet += punctuation
	}
	random := make([]byte, secret.Length)
	for i := range random {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return nil, err
		}
		random[i] = alphabet[n.Int64()]
	}
	members := map[string]any{}
	if err := json.Unmarshal([]byte(secret.Template), &members); err != nil {
		return nil, fmt.Errorf("its template is no JSON object: %w", err)
	}
	members[secret.Key] = string(random)
	return json.Marshal(members)
}
