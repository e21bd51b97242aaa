package mail

import (
	"bufio"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"billingcentre/shared/pattern"
)

// The texts. A section begins with its kind in brackets; a line of it is one of
//
//	subject: …        of the mail, once
//	title: …          above all else, once
//	text: …           a paragraph
//	row: label | …    a line of a table: rows that follow each other are one table
//
// {name} is a blank. A line with a blank whose fact is empty is left out. [frame] is what every letter has.
var (
	//go:embed texts/en.txt
	english string
	//go:embed texts/zh.txt
	chinese string
)

var blank = pattern.Of(`\{[a-z_]+\}`)

const frameSection Kind = "frame"

// section is one letter's text, or the frame's.
type section struct {
	subject, title          string
	lines                   []block
	sender, account, footer string // of the frame
}

// block is a paragraph, or a row of a table when it has a label.
type block struct{ label, text string }

// catalogues are read with the first letter, not with every cold start. That they can be read, a test has shown.
var catalogues = sync.OnceValue(func() map[Language]map[Kind]section {
	return map[Language]map[Kind]section{English: mustRead(english), Chinese: mustRead(chinese)}
})

func mustRead(text string) map[Kind]section {
	sections, err := readTexts(text)
	if err != nil {
		panic(err) // the texts are part of the program
	}
	return sections
}

func readTexts(text string) (map[Kind]section, error) {
	sections := map[Kind]section{}
	var name Kind
	number := 0
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		number++
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if inner, ok := strings.CutPrefix(line, "["); ok {
			name = Kind(strings.TrimSuffix(inner, "]"))
			if _, twice := sections[name]; twice {
				return nil, fmt.Errorf("mail: line %d: [%s] is there twice", number, name)
			}
			sections[name] = section{}
			continue
		}
		s := sections[name]
		if err := s.read(line); err != nil || name == "" {
			return nil, fmt.Errorf("mail: line %d of a text: %w", number, err)
		}
		sections[name] = s
	}
	return sections, nil
}

func (s *section) read(line string) error {
	what, text, _ := strings.Cut(line, ":")
	text = strings.TrimSpace(text)
	single := map[string]*string{"subject": &s.subject, "title": &s.title, "sender": &s.sender, "account": &s.account, "footer": &s.footer}
	label, value, isRow := strings.Cut(text, "|")
	switch field := single[what]; {
	case text == "":
		return fmt.Errorf("%q says nothing", line)
	case field != nil && *field == "":
		*field = text
	case what == "text":
		s.lines = append(s.lines, block{text: text})
	case what == "row" && isRow:
		s.lines = append(s.lines, block{label: strings.TrimSpace(label), text: strings.TrimSpace(value)})
	default:
		return fmt.Errorf("%q is no line of a text, or is there twice", line)
	}
	return nil
}
