package sqs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/infra/local/sqs"
)

func TestAStoppedServerLosesNoMessage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "queues.json")
	inBubble(t, func(b bench) {
		bills, _ := b.withDeadLetters(2)
		for _, body := range []string{"in flight", "visible", "delayed", "deleted", "dead"} {
			switch body {
			case "delayed":
				queue, err := b.server.Queue("bills")
				b.must(err)
				delay := 100
				_, err = queue.Send(sqs.Draft{Body: body, Delay: &delay})
				b.must(err)
				continue
			case "dead":
				queue, err := b.server.Queue("dead")
				b.must(err)
				_, err = queue.Send(sqs.Draft{Body: body, Attributes: map[string]sqs.Attribute{"a": {DataType: "Binary", BinaryValue: []byte{0xff}}}})
				b.must(err)
				continue
			}
			b.send(bills, body)
		}
		for _, m := range b.receive(bills, 0) {
			switch *m.Body {
			case "deleted":
				b.must(b.delete(bills, m.ReceiptHandle))
			case "visible":
				b.must(b.change(bills, m.ReceiptHandle, 0))
			}
		}
		b.must(b.server.Save(file))
	})
	inBubble(t, func(b bench) {
		b.must(b.server.Load(file))
		bills, dead := b.queue("bills"), b.queue("dead")
		if bills, dead := b.counts(bills), b.counts(dead); bills != "2 0 1" || dead != "1 0 0" {
			t.Errorf("loaded: bills %s, dead %s", bills, dead)
		}
		var got []string
		for _, m := range b.receive(bills, 0) {
			got = append(got, *m.Body+" "+m.Attributes["ApproximateReceiveCount"])
		}
		slices.Sort(got)
		if want := "in flight 2, visible 2"; strings.Join(got, ", ") != want {
			t.Errorf("received %v, want %s", got, want)
		}
		time.Sleep(100 * time.Second)
		if got := b.one(bills, 0); *got.Body != "delayed" { // the others are dead now
			t.Errorf("received %q", *got.Body)
		}
		if got := b.counts(dead); got != "3 0 0" {
			t.Errorf("dead: %s", got)
		}
		if m := b.receive(dead, 0)[0]; m.MessageAttributes["a"].BinaryValue[0] != 0xff {
			t.Errorf("attributes %v", m.MessageAttributes)
		}
	})
}

func TestLoadRefusesWhatItCannotRead(t *testing.T) {
	folder := t.TempDir()
	server := sqs.New(sqs.Options{})
	if err := server.Load(filepath.Join(folder, "none")); err != nil {
		t.Errorf("a first start: %v", err)
	}
	for _, text := range []string{"", "{", `{"version":2}`} {
		file := filepath.Join(folder, "queues.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := server.Load(file); err == nil {
			t.Errorf("loaded %q", text)
		}
	}
	if err := server.Save(filepath.Join(folder, "no", "folder")); err == nil {
		t.Error("saved into a folder that isn't there")
	}
}

func TestSaveLeavesNoDebris(t *testing.T) {
	folder := t.TempDir()
	server := sqs.New(sqs.Options{})
	for range 3 {
		if err := server.Save(filepath.Join(folder, "queues.json")); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder has %v, %v", fmt.Sprint(entries), err)
	}
}
