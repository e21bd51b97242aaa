// Package mail writes the letters that people get: what happened to their account, in English or Chinese, as plain text
// and as HTML.
//
//	mail.go    Kind, Language, Compose: a letter of what it is about
//	texts.go   the texts (texts/en.txt, texts/zh.txt), and how they are read
//	voice.go   Voice: amounts, dates and names as a language, a zone and a currency have them
//	render.go  one content, rendered twice
//	sender.go  Sender: what hands a letter over, and what can come of it
//
// A letter is made of one content, a title and a few paragraphs and rows, which is rendered as plain text and as HTML: so both
// always say the same. Texts are files that a translator can edit, line by line beside the other language; what is put into
// them is text, never markup. It is cleaned when it comes in (Voice.Name: one line, nothing invisible, right-to-left text kept to its
// place) and escaped when it goes out, so neither a header nor HTML can be injected, whatever a product or workspace is called.
// Nothing in a letter is fetched from anywhere, and there are no links to click: whoever gets links in the centre's name
// knows that they are forged.
//
// There is no template engine on purpose: text/template finds methods by reflection, which makes the linker keep every
// method of every client, and would add megabytes to the function's cold start.
package mail

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Language is a language that letters are written in.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Known tells whether letters are written in the language.
func (l Language) Known() bool { return l == English || l == Chinese }

// Kind is what a letter is about. Those of notices are called as the notice is.
type Kind string

// The kinds of letters.
const (
	ToppedUp         Kind = "topped_up"
	CardBought       Kind = "card_bought"
	VoucherActivated Kind = "voucher_activated"
	LotExpiring      Kind = "lot_expiring"
	LotLapsed        Kind = "lot_lapsed"
	MonthlyBill      Kind = "monthly_bill"
	ArrearsCountdown Kind = "arrears_countdown"
	ArrearsReminder  Kind = "arrears_reminder"
	Locked           Kind = "locked"
	Unlocked         Kind = "unlocked"
	LowBalance       Kind = "low_balance"
	HighConsumption  Kind = "high_consumption"
	CloudUnlinked    Kind = "cloud_unlinked"
	CloudReminder    Kind = "cloud_reminder"
	CloudLocked      Kind = "cloud_locked"
)

// Kinds are all kinds, in the order in which people are shown them.
var Kinds = []Kind{
	ToppedUp, CardBought, VoucherActivated, LotExpiring, LotLapsed, MonthlyBill, LowBalance, HighConsumption,
	ArrearsCountdown, ArrearsReminder, Locked, Unlocked, CloudUnlinked, CloudReminder, CloudLocked,
}

// Vital are the kinds that nobody can switch off: they say that workspaces will be, or are, locked, or that somebody else pays
// from now on (chosen).
var Vital = []Kind{ArrearsCountdown, ArrearsReminder, Locked, Unlocked, CloudUnlinked, CloudReminder, CloudLocked}

// Letter is what one person gets to read.
type Letter struct {
	Language Language
	Sender   string // the name beside the from-address
	Subject  string // one line
	Plain    string
	HTML     string
}

// Facts are what the blanks of a text are filled with, by their names. They come from a Voice. A fact that is empty
// leaves out the lines that name it; one that is missing is a bug.
type Facts map[string]string

// Compose writes the letter of a kind to an account. It fails for a kind that has no text, and for facts that the text
// asks for and nobody gave.
func Compose(kind Kind, voice Voice, account string, facts Facts) (Letter, error) {
	text, known := catalogues()[voice.Language][kind]
	if !known {
		return Letter{}, fmt.Errorf("mail: there is no text of %q in %q", kind, voice.Language)
	}
	frame := catalogues()[voice.Language][frameSection]
	account = voice.Name(account)
	all := Facts{"account": account, "zone": voice.zoneName}
	maps.Copy(all, facts)
	var missing []string
	content := content{language: voice.Language, sender: frame.sender, accountLabel: frame.account, account: account}
	content.subject = fill(text.subject, all, &missing)
	content.title = fill(text.title, all, &missing)
	content.footer = fill(frame.footer, all, &missing)
	for _, line := range text.lines {
		filled := block{label: line.label, text: fill(line.text, all, &missing)}
		if !empty(line.text, all) {
			content.blocks = append(content.blocks, filled)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return Letter{}, fmt.Errorf("mail: %s lacks %s", kind, strings.Join(slices.Compact(missing), ", "))
	}
	return content.letter(), nil
}

// fill puts facts into the blanks of a text. Facts are put in once: what looks like a blank in one stays as it is.
func fill(text string, facts Facts, missing *[]string) string {
	return blank().ReplaceAllStringFunc(text, func(name string) string {
		value, given := facts[name[1:len(name)-1]]
		if !given {
			*missing = append(*missing, name)
		}
		return oneLine(value)
	})
}

// empty tells whether a text names a fact that is empty.
func empty(text string, facts Facts) bool {
	return slices.ContainsFunc(blank().FindAllString(text, -1), func(name string) bool { return facts[name[1:len(name)-1]] == "" })
}
