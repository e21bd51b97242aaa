package issuer

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	thumbprintHash = crypto.SHA256
	keyBits        = 2048
)

// readOrMakeKey may run in two processes at once (`make run` and `make token`): both come away with the same key.
func readOrMakeKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path); err != nil {
			return nil, err
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM: delete it, and a new key is made", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds no RSA key", path)
	}
	return key, nil
}

// makeKey writes a new key under a name of its own and links it to its place: whoever is second keeps the first's.
func makeKey(path string) error {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".key-*") // readable by nobody else
	if err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	err = errors.Join(pem.Encode(draft, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), draft.Close())
	if err != nil {
		return fmt.Errorf("keep the key: %w", err)
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep the key: %w", err)
	}
	return nil
}
