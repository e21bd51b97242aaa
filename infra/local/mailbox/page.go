package mailbox

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var pages = template.Must(template.New("").Parse(pageText))

// serveIndex lists the mails, the newest first; a script gets them whole.
func (m *Mailbox) serveIndex(w http.ResponseWriter, r *http.Request) {
	mails := m.Mails()
	slices.Reverse(mails)
	m.show(w, r, http.StatusOK, "index", mails)
}

func (m *Mailbox) serveMail(w http.ResponseWriter, r *http.Request) {
	mail, found := m.Mail(r.PathValue("id"))
	if !found {
		m.show(w, r, http.StatusNotFound, "none", nil)
		return
	}
	m.show(w, r, http.StatusOK, "mail", mail)
}

func (m *Mailbox) show(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(data)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, page, data); err != nil {
		m.options.Log.Error("the mailbox can't show its page", "error", err)
	}
}

// serveHTML is a mail's HTML in a cage: it can run, fetch and send nothing, as in a careful mail reader.
func (m *Mailbox) serveHTML(w http.ResponseWriter, r *http.Request) {
	mail, found := m.Mail(r.PathValue("id"))
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'")
	_, _ = w.Write([]byte(mail.HTML))
}

func (m *Mailbox) servePlain(w http.ResponseWriter, r *http.Request) {
	mail, found := m.Mail(r.PathValue("id"))
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(mail.Plain))
}
