package mail

import (
	"html"
	"strings"
	"unicode"
)

// content is a letter before it is rendered.
type content struct {
	language       Language
	sender         string
	subject, title string
	accountLabel   string
	account        string
	blocks         []block
	footer         string
}

func (c content) letter() Letter {
	return Letter{Language: c.language, Sender: c.sender, Subject: oneLine(c.subject), Plain: c.plain(), HTML: c.html()}
}

// oneLine keeps a header one line, whatever came into it.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) }), " ")
}

// colon parts a label from its value.
func (c content) colon() string {
	if c.language == Chinese {
		return "："
	}
	return ": "
}

func (c content) plain() string {
	var b strings.Builder
	b.WriteString(c.title + "\n\n")
	b.WriteString(c.accountLabel + c.colon() + c.account + "\n")
	inTable := true
	for _, block := range c.blocks {
		row := block.label != ""
		if !row || !inTable {
			b.WriteString("\n")
		}
		if inTable = row; row {
			b.WriteString(block.label + c.colon())
		}
		b.WriteString(block.text + "\n")
	}
	b.WriteString("\n-- \n" + c.footer + "\n")
	return b.String()
}

// The styles are inline: mail readers drop all others.
const (
	pageStyle   = "margin:0;padding:24px;background:#f4f5f7;font-family:-apple-system,'Segoe UI',Roboto,'PingFang SC','Microsoft YaHei',sans-serif;color:#1f2933"
	cardStyle   = "max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:6px"
	labelStyle  = "padding:6px 16px 6px 0;color:#616e7c;text-align:start;font-weight:normal;vertical-align:top;white-space:nowrap"
	valueStyle  = "padding:6px 0;text-align:start;vertical-align:top;word-break:break-word"
	footerStyle = "max-width:560px;margin:16px auto 0;font-size:12px;color:#616e7c"
)

func (c content) html() string {
	var b strings.Builder
	lang := map[Language]string{English: "en", Chinese: "zh-CN"}[c.language]
	b.WriteString(`<!DOCTYPE html>` + "\n" + `<html lang="` + lang + `"><head><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width"><title>` + html.EscapeString(oneLine(c.subject)) + "</title></head>\n")
	b.WriteString(`<body style="` + pageStyle + `"><div style="` + cardStyle + `">` + "\n")
	b.WriteString(`<h1 style="margin:0 0 16px;font-size:20px">` + html.EscapeString(c.title) + "</h1>\n")
	open := false
	row := func(label, text string) {
		if !open {
			b.WriteString(`<table style="border-collapse:collapse;font-size:14px">` + "\n")
			open = true
		}
		b.WriteString(`<tr><th scope="row" style="` + labelStyle + `">` + html.EscapeString(label) + `</th><td style="` + valueStyle + `"><bdi>` +
			html.EscapeString(text) + "</bdi></td></tr>\n")
	}
	end := func() {
		if open {
			b.WriteString("</table>\n")
		}
		open = false
	}
	row(c.accountLabel, c.account)
	for _, block := range c.blocks {
		if block.label != "" {
			row(block.label, block.text)
			continue
		}
		end()
		b.WriteString(`<p style="margin:16px 0;font-size:14px;line-height:1.6">` + html.EscapeString(block.text) + "</p>\n")
	}
	end()
	b.WriteString(`</div><p style="` + footerStyle + `">` + html.EscapeString(c.footer) + "</p></body></html>\n")
	return b.String()
}
