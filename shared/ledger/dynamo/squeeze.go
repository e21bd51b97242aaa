package dynamo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
)

// An entry's canonical bytes name every line of a bill and every fund that was looked at: often more than one kilobyte,
// where each kilobyte begun costs three write units. Compressed with a dictionary of what entries usually say, they
// fit into one. Those that do so as they are aren't compressed: it would save nothing. The others are compressed no
// better than they need: S2 takes a tenth of the time of DEFLATE, which itself takes longer than the decision.

// The formats of a body, which its first byte names.
const (
	deflated = 1 // raw DEFLATE (RFC 1951) with the dictionary words
	plain    = 2 // the canonical bytes
	quick    = 3 // a block of S2 with the dictionary words, whose first repeat is at its start
)

// kilobyte is what one write unit pays for.
const kilobyte = 1024

// mostQuick is how many bytes S2 is tried on: of more than that it never makes a kilobyte.
const mostQuick = 2 * kilobyte

// level is as good as the best for entries of some kilobytes, and takes two thirds of its time.
const level = 4

// words is the dictionary of formats 1 and 3; what is met most often comes last. It must never change, since stored entries
// need it: a better one is a new format, beside this one.
const words = "EURGBPHKDSGDUSD" +
	"\x12America/New_York\x0dEurope/Berlin\x0eAsia/Singapore\x0eAsia/Hong_Kong\x03UTC\x0dAsia/Shanghai" +
	"awsalibabahuawei\x05cloudalipaybankcreditdebitreason" +
	"open:adjust:recharge:activate:allocate:purchase:order:expire:reverse:accounts operator partner " +
	"AmazonCloudWatchAmazonSimpleStorageServiceAmazonElasticComputeCloudAWSLambda" +
	"VirtualMachinesStorageNetworkComputeDatabaseAnalytics" +
	"HoursGB-MonthGB-HourGiBRequestsRequestQuantityUnitsCountSecondsDays\x05Hours\x02GB" +
	"\x07reports\x06report\x04scan\x08pipeline\x0dnetwork_hosts\x04host\x0eforwarding_out\x0dforwarding_in" +
	"\x08profiles\x07profile\x0esession_replay\x07session\x0apage_views\x04view\x05tasks\x04task\x06traces\x05trace" +
	"\x04logs\x03log\x0btime_series\x06series\x0cdial_testing\x04test\x03sms\x07message" +
	"0.000010.00010.00150.0020.00350.0070.010.150.20.350.60.71.52.54.59" +
	"00000200000012000003500000040000060000900002500001234567890" +
	"focus:ws-workspace-acme-prod-production-shanghai-beijing-account-" +
	"\x000\x010\x010\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x03\x05\x00\x03" +
	"2024-09-2024-10-2025-2025-122026-12-2026-11-2026-2027-" +
	"\x0ebilling_center\x00\x00\x0fbill-settlement\x00\x00\x01\x08\x03CNY bill:"

var (
	errSqueezed = errors.New("its body is in no known format")
	errDamaged  = errors.New("its body is damaged")
)

// writers and readers are pooled: a writer's tables are half a megabyte. A dictionary is for all at once.
var (
	writers = sync.Pool{New: func() any {
		w, err := flate.NewWriterDict(io.Discard, level, []byte(words))
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
	readers    = sync.Pool{New: func() any { return flate.NewReaderDict(nil, []byte(words)) }}
	dictionary = sync.OnceValue(func() *s2.Dict { return s2.MakeDict([]byte(words), nil) })
)

// kept is the body of canonical bytes in an item that has so much room in its first kilobyte.
func kept(canonical []byte, room int) ([]byte, error) {
	if 1+len(canonical) <= room {
		return append(append(make([]byte, 0, 1+len(canonical)), plain), canonical...), nil
	}
	if len(canonical) <= mostQuick {
		if body := squeezeQuickly(canonical); len(body) <= room {
			return body, nil
		}
	}
	return squeeze(canonical)
}

// read is the canonical bytes of a body.
func read(body []byte) ([]byte, error) {
	if len(body) == 0 {
		return nil, errSqueezed
	}
	switch body[0] {
	case deflated:
		return unsqueeze(body[1:])
	case plain:
		return body[1:], nil
	case quick:
		return unsqueezeQuick(body[1:])
	}
	return nil, errSqueezed
}

func squeezeQuickly(canonical []byte) []byte {
	body := make([]byte, 1+s2.MaxEncodedLen(len(canonical)))
	body[0] = quick
	return body[:1+len(dictionary().Encode(body[1:], canonical))]
}

func unsqueezeQuick(block []byte) ([]byte, error) {
	if n, err := s2.DecodedLen(block); err != nil || n > mostQuick {
		return nil, errDamaged // a length that isn't true could be one of gigabytes
	}
	canonical, err := dictionary().Decode(nil, block)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return canonical, nil
}

func squeeze(canonical []byte) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, len(canonical)/2+64))
	out.WriteByte(deflated)
	w := writers.Get().(*flate.Writer)
	defer writers.Put(w)
	w.Reset(out)
	if _, err := w.Write(canonical); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func unsqueeze(stream []byte) ([]byte, error) {
	r := readers.Get().(io.ReadCloser)
	defer readers.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(stream), []byte(words)); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, 3*len(stream)))
	if _, err := out.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return out.Bytes(), nil
}
