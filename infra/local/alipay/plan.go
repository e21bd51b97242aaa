package alipay

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Planned is a fault that somebody has set on the switchboard: it happens to the next calls of a method, or notices.
type Planned struct {
	What  string `json:"what"` // a method, such as alipay.trade.refund, or "call" for any, or "notice"
	Fate  string `json:"fate"`
	Times int    `json:"times"`
}

// plan is what is set and hasn't happened yet.
type plan struct {
	mu     sync.Mutex
	faults []Planned
}

// words are the fates as the switchboard's page and scripts name them.
var words = map[string]Fate{
	"lost": Lost, "answer_lost": AnswerLost, "busy": Busy, "late": Late, "twice": Twice, "wrong_amount": WrongAmount,
	"wrong_signature": WrongSignature, "shuffled": Shuffled, "closed_first": ClosedFirst,
}

const (
	anyCall   = "call"
	anyNotice = "notice"
	mostTimes = 1000
	mostSpeed = 100_000
)

// set adds a fault, or says which field is wrong.
func (p *plan) set(f Planned) (wrong string) {
	fate, known := words[f.Fate]
	fits := CallFates
	if f.What == anyNotice {
		fits = NoticeFates
	}
	_, method := methods[f.What]
	switch {
	case f.What != anyNotice && f.What != anyCall && !method:
		return "what must be notice, call, or a method"
	case !known || !slices.Contains(fits, fate):
		return "fate doesn't happen to a " + f.What
	case f.Times < 1 || f.Times > mostTimes:
		return "times must be 1 to " + strconv.Itoa(mostTimes)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, f)
	return ""
}

// next is the fate of a call or a notice, which counts as happened.
func (p *plan) next(what string) Fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.faults {
		f := &p.faults[i]
		if f.What != what && (f.What != anyCall || what == anyNotice) {
			continue
		}
		fate := words[f.Fate]
		if f.Times--; f.Times == 0 {
			p.faults = slices.Delete(p.faults, i, i+1)
		}
		return fate
	}
	return Fine
}

func (p *plan) all() []Planned {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.faults)
}

// serveSwitchboard sets a fault (what, fate, times), or how much faster than life notices are repeated (speed).
func (g *Gateway) serveSwitchboard(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostBody)
	wrong := ""
	if speed := r.FormValue("speed"); speed != "" {
		n, err := strconv.Atoi(speed)
		if err != nil || n < 1 || n > mostSpeed {
			wrong = "speed must be 1 to " + strconv.Itoa(mostSpeed)
		} else {
			g.mu.Lock()
			g.options.Speed = n
			g.mu.Unlock()
		}
	}
	if r.FormValue("what") != "" && wrong == "" {
		times, err := strconv.Atoi(r.FormValue("times"))
		if r.FormValue("times") == "" {
			times, err = 1, nil
		}
		if err != nil {
			times = 0
		}
		wrong = g.plan.set(Planned{What: r.FormValue("what"), Fate: r.FormValue("fate"), Times: times})
	}
	switch {
	case wrong != "":
		http.Error(w, strings.ToUpper(wrong[:1])+wrong[1:]+".", http.StatusBadRequest)
	case wantsJSON(r):
		g.show(w, r, http.StatusOK, "", g.plan.all())
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}
