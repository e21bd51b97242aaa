package dynamo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"testing"

	"billingcentre/shared/wallet"
)

// TestTheDictionaryIsForEver fails when words is changed: entries that are stored couldn't be read any more.
func TestTheDictionaryIsForEver(t *testing.T) {
	const want = "8c582af1621636a819f6f8ec19076e27112308329d22601f8a9353a585a02e63"
	if sum := sha256.Sum256([]byte(words)); hex.EncodeToString(sum[:]) != want {
		t.Errorf("the dictionary of format %d has the digest %x", squeezed, sum)
	}
}

// TestOldBodiesAreRead has a body as format 1 wrote it.
func TestOldBodiesAreRead(t *testing.T) {
	kept, err := hex.DecodeString("01429354c84f83881b02020000ffff")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unsqueeze(kept); err != nil || string(got) != "bill-settlement of bill:1" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestWhatFitsIsKeptAsItIs: compressing an entry that fits into its kilobyte saves no unit.
func TestWhatFitsIsKeptAsItIs(t *testing.T) {
	for _, rule := range []struct {
		name         string
		length, room int
		format       byte
	}{
		{"shorter", 99, 101, plain},
		{"as long as the room, with its format", 99, 100, plain},
		{"a byte too long", 100, 100, squeezed},
		{"no room at all", 1, -5, squeezed},
	} {
		canonical := bytes.Repeat([]byte("x"), rule.length)
		body, err := kept(canonical, rule.room)
		if err != nil || body[0] != rule.format {
			t.Errorf("%s: format %d, want %d (%v)", rule.name, body[0], rule.format, err)
		}
		if got, err := read(body); err != nil || !bytes.Equal(got, canonical) {
			t.Errorf("%s: %q, %v", rule.name, got, err)
		}
	}
}

// TestTheFirstKilobyteIsUsedToItsEnd: the largest entry that is kept as it is makes an item of 1,024 bytes.
func TestTheFirstKilobyteIsUsedToItsEnd(t *testing.T) {
	entry := wallet.Entry{Key: "bill:1", Account: "acme", Number: 7, Kind: wallet.Settled}
	size := 0
	for length := 900; ; length++ {
		encoded, err := encodeEntry(&entry, make([]byte, length))
		if err != nil {
			t.Fatal(err)
		}
		body := bytesOf(encoded, "body")
		if body[0] == squeezed {
			break
		}
		size = textSize(encoded) + len(body)
	}
	if size != kilobyte {
		t.Errorf("the largest has %d bytes", size)
	}
}

func TestWhatIsNoBodyIsAFault(t *testing.T) {
	good, err := squeeze([]byte("bill-settlement bill-settlement"))
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"nothing": nil, "another format": append([]byte{9}, good[1:]...)} {
		if _, err := read(body); !errors.Is(err, errSqueezed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := unsqueeze(good[:len(good)-3]); err == nil {
		t.Error("a body that ends early was read")
	}
}

func TestWritersAreSharedByMany(t *testing.T) {
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() { squeezes(t, bytes.Repeat([]byte{byte(i), 'x', byte(i)}, 1+97*i)) })
	}
	wait.Wait()
}

func squeezes(t *testing.T, plain []byte) {
	body, err := squeeze(plain)
	if err != nil {
		t.Error(err)
		return
	}
	if got, err := unsqueeze(body); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%x became %x, %v", plain, got, err)
	}
}

func FuzzSqueeze(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(words))
	f.Fuzz(func(t *testing.T, plain []byte) {
		squeezes(t, plain)
		_, _ = unsqueeze(append([]byte{squeezed}, plain...)) // whatever it is, it doesn't panic
	})
}
