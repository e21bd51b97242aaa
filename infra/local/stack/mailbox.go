package stack

import (
	"context"

	"billingcentre/infra/local/mailbox"
)

// The address that the local stack sends from, and the identity that may.
const (
	mailFrom     = "billing@example.com"
	mailIdentity = "example.com"
)

// startMailbox makes SES with the template's configuration sets. What it tells of mails goes on the account's default bus.
func (s *Stack) startMailbox(context.Context) error {
	options := mailbox.Options{
		Journal: s.data("mails.jsonl"), Identities: []string{mailIdentity}, Keys: map[string]string{"local": "local"}, Now: s.Now, Log: s.logs.stack,
		Publish: func(_ context.Context, id string, event []byte) error { s.Bus.Tell(id, event); return nil },
	}
	for _, set := range s.Deployment.MailSets {
		options.ConfigurationSets = append(options.ConfigurationSets, mailbox.ConfigurationSet{Name: set.Name, Events: set.Events})
	}
	var err error
	if s.Mailbox, err = mailbox.New(options); err != nil {
		return err
	}
	s.onClose("the mails", s.Mailbox.Close)
	return nil
}
