package dynamo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"billingcentre/shared/wallet"
)

// TestTheDictionaryIsForEver fails when words is changed: entries that are stored couldn't be read any more.
func TestTheDictionaryIsForEver(t *testing.T) {
	const want = "8c582af1621636a819f6f8ec19076e27112308329d22601f8a9353a585a02e63"
	if sum := sha256.Sum256([]byte(words)); hex.EncodeToString(sum[:]) != want {
		t.Errorf("the dictionary of formats %d and %d has the digest %x", deflated, quick, sum)
	}
}

// TestOldBodiesAreRead has a body of each format as it was written first.
func TestOldBodiesAreRead(t *testing.T) {
	for format, old := range map[byte]struct{ body, canonical string }{
		deflated: {"01429354c84f83881b02020000ffff", "bill-settlement of bill:1"},
		plain:    {"0262696c6c2d736574746c656d656e74206f662062696c6c3a31", "bill-settlement of bill:1"},
		quick: {
			"034836af01042c20320002042c203ded106f75743a203a4c0024206f662062696c6c3a31",
			"session_replay, network_hosts, forwarding_out: bill-settlement of bill:1",
		},
	} {
		body, err := hex.DecodeString(old.body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(body); err != nil || body[0] != format || string(got) != old.canonical {
			t.Errorf("format %d: %q, %v", format, got, err)
		}
	}
}

// TestABodyIsCompressedNoBetterThanItNeeds: what saves no unit isn't worth its time.
func TestABodyIsCompressedNoBetterThanItNeeds(t *testing.T) {
	same, other := bytes.Repeat([]byte("x"), 2*mostQuick), rand.NewChaCha8([32]byte{})
	mixed := make([]byte, 100)
	other.Read(mixed)
	for _, rule := range []struct {
		name      string
		canonical []byte
		room      int
		format    byte
	}{
		{"shorter", mixed[:99], 101, plain},
		{"as long as the room, with its format", mixed[:99], 100, plain},
		{"a byte too long", same[:100], 100, quick},
		{"the most that is tried quickly", same[:mostQuick], 100, quick},
		{"more than that", same[:mostQuick+1], 100, deflated},
		{"too long whatever is done", mixed, 100, deflated},
		{"no room at all", mixed[:1], -5, deflated},
	} {
		body, err := kept(rule.canonical, rule.room)
		if err != nil || body[0] != rule.format {
			t.Errorf("%s: format %d, want %d (%v)", rule.name, body[0], rule.format, err)
		}
		if got, err := read(body); err != nil || !bytes.Equal(got, rule.canonical) {
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
		if body[0] != plain {
			break
		}
		size = textSize(encoded) + len(body)
	}
	if size != kilobyte {
		t.Errorf("the largest has %d bytes", size)
	}
}

func TestWhatIsNoBodyIsAFault(t *testing.T) {
	text := []byte("bill-settlement bill-settlement")
	good, err := squeeze(text)
	if err != nil {
		t.Fatal(err)
	}
	fast := squeezeQuickly(text)
	for name, rule := range map[string]struct {
		body []byte
		want error
	}{
		"nothing":                            {nil, errSqueezed},
		"another format":                     {append([]byte{9}, good[1:]...), errSqueezed},
		"a stream that ends early":           {good[:len(good)-3], errDamaged},
		"a block that ends early":            {fast[:len(fast)-1], errDamaged},
		"a block of no length":               {fast[:1], errDamaged},
		"a block that says it has gigabytes": {[]byte{quick, 0xff, 0xff, 0xff, 0xff, 0x0f, 0}, errDamaged},
	} {
		if got, err := read(rule.body); !errors.Is(err, rule.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWritersAreSharedByMany(t *testing.T) {
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() { squeezes(t, bytes.Repeat([]byte{byte(i), 'x', byte(i)}, 1+97*i)) })
	}
	wait.Wait()
}

// squeezes has bytes go through both ways of compressing.
func squeezes(t *testing.T, canonical []byte) {
	body, err := squeeze(canonical)
	if err != nil {
		t.Error(err)
		return
	}
	bodies := [][]byte{body}
	if len(canonical) <= mostQuick {
		bodies = append(bodies, squeezeQuickly(canonical))
	}
	for _, body := range bodies {
		if got, err := read(body); err != nil || !bytes.Equal(got, canonical) {
			t.Errorf("%x became %x, %v, by format %d", canonical, got, err, body[0])
		}
	}
}

func FuzzSqueeze(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(words))
	f.Fuzz(func(t *testing.T, canonical []byte) {
		squeezes(t, canonical)
		for _, format := range []byte{deflated, quick} {
			_, _ = read(append([]byte{format}, canonical...)) // whatever it is, it doesn't panic
		}
	})
}
