package alipay

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

var gmt8 = time.FixedZone("CST", 8*60*60)

const (
	timeForm = "2006-01-02 15:04:05"
	mostBody = 256 << 10
	mostSkew = 15 * time.Minute // between a request's stamp and the wall clock (chosen: one zone off must be seen)
)

// fault is an error answer of the gateway.
type fault struct {
	Code    string `json:"code"`
	Msg     string `json:"msg"`
	SubCode string `json:"sub_code,omitempty"`
	SubMsg  string `json:"sub_msg,omitempty"`

	unsigned bool // Alipay can't tell for whom it would sign
}

func missing(what string) *fault {
	return &fault{Code: "40001", Msg: "Missing Required Arguments", SubCode: "isv.missing-" + what, SubMsg: what + " is missing"}
}

func invalid(what string) *fault {
	return &fault{Code: "40002", Msg: "Invalid Arguments", SubCode: "isv.invalid-" + what, SubMsg: what + " is invalid"}
}

func business(subCode, message string) *fault {
	return &fault{Code: "40004", Msg: "Business Failed", SubCode: subCode, SubMsg: message}
}

// methods are the calls that the stand-in knows. Each returns the members of its answer.
var methods = map[string]func(*Gateway, request) (map[string]string, *fault){
	"alipay.trade.precreate": (*Gateway).callPrecreate,
	"alipay.trade.query":     (*Gateway).callQuery,
	"alipay.trade.close":     (*Gateway).callClose,
	"alipay.trade.refund":    (*Gateway).callRefund,
	pagePay:                  nil, // servePagePay: it answers a browser

	"alipay.trade.fastpay.refund.query": (*Gateway).callRefundQuery,

	"alipay.data.dataservice.bill.downloadurl.query": (*Gateway).callBill,
}

// request is a call whose signature is good.
type request struct {
	params map[string]string
	host   string // that the app reached us by
}

// serveGateway is gateway.do.
func (g *Gateway) serveGateway(w http.ResponseWriter, r *http.Request) {
	params, problem := g.readRequest(w, r)
	var answer any = problem
	if problem == nil && params["method"] == pagePay {
		if problem = g.servePagePay(w, r, params); problem == nil {
			return
		}
		answer = problem
	} else if problem == nil {
		fate := g.spoil(params["method"], orderNamed(params["biz_content"]))
		if fate == Lost {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		call := methods[params["method"]]
		members, refused := call(g, request{params, r.Host})
		if fate == AnswerLost {
			panic(http.ErrAbortHandler)
		}
		if fate == Busy {
			refused = &fault{Code: "20000", Msg: "Service Currently Unavailable", SubCode: "isp.unknow-error", SubMsg: "system busy"}
		}
		if answer = refused; refused == nil {
			members["code"], members["msg"] = "10000", "Success"
			answer = members
		}
		problem = refused
	}
	name := "error_response"
	if _, known := methods[params["method"]]; known {
		method := params["method"]
		name = strings.ReplaceAll(method, ".", "_") + "_response"
	}
	g.answer(w, name, answer, problem)
}

// answer signs the exact bytes that it sends.
func (g *Gateway) answer(w http.ResponseWriter, name string, answer any, problem *fault) {
	signed, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html;charset=utf-8") // as the real one has it
	if problem != nil {
		g.options.Log.Info("alipay stand-in refused a call", "answer", name, "code", problem.Code, "sub_code", problem.SubCode)
	}
	if problem != nil && problem.unsigned {
		_, _ = io.WriteString(w, `{"`+name+`":`+string(signed)+`}`)
		return
	}
	own := g.Credentials()
	signature, err := sign(own.Alipay, string(signed))
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	by := ""
	if own.Certificates != nil {
		by = `,"alipay_cert_sn":"` + certSN(own.Certificates.Alipay) + `"`
	}
	_, _ = io.WriteString(w, `{"`+name+`":`+string(signed)+by+`,"sign":"`+signature+`"}`)
}

// readRequest collects the parameters of query and body, and checks all that is common to every method.
func (g *Gateway) readRequest(w http.ResponseWriter, r *http.Request) (map[string]string, *fault) {
	params := make(map[string]string)
	r.Body = http.MaxBytesReader(w, r.Body, mostBody)
	if err := r.ParseForm(); err != nil {
		f := invalid("parameter")
		f.unsigned = true
		return params, f
	}
	for _, values := range []url.Values{r.URL.Query(), r.PostForm} {
		for name, v := range values {
			params[name] = v[0]
		}
	}
	switch {
	case params["app_id"] == "":
		f := missing("app-id")
		f.unsigned = true
		return params, f
	case params["app_id"] != g.Credentials().AppID:
		f := invalid("app-id")
		f.unsigned = true
		return params, f
	}
	return params, g.checkCommon(params)
}

// checkCommon checks the public parameters and the app's signature, in Alipay's order.
func (g *Gateway) checkCommon(params map[string]string) *fault {
	for _, rule := range []struct {
		name, word string
		good       func(string) bool
	}{
		{"method", "method", func(v string) bool { _, known := methods[v]; return known }},
		{"charset", "charset", func(v string) bool { return strings.EqualFold(v, "utf-8") }},
		{"sign_type", "signature-type", func(v string) bool { return v == "RSA2" }},
		{"version", "version", func(v string) bool { return v == "1.0" }},
		{"timestamp", "timestamp", stamped},
		{"sign", "signature", func(string) bool { return true }},
	} {
		switch value := params[rule.name]; {
		case value == "":
			return missing(rule.word)
		case !rule.good(value):
			return invalid(rule.word)
		}
	}
	if format := params["format"]; format != "" && !strings.EqualFold(format, "JSON") {
		return invalid("format")
	}
	return g.checkSignature(params)
}

// checkSignature wants a request to be signed with the app's key, of the certificate that it names in certificate mode.
func (g *Gateway) checkSignature(params map[string]string) (problem *fault) {
	for _, own := range g.apps() {
		key, refused := own.checkCertificates(params, time.Now())
		if refused == nil {
			// Unlike in notices, sign_type is signed and empty values are left out.
			text := joined(params, func(name, value string) bool { return name != "sign" && value != "" })
			if verify(key, text, params["sign"]) {
				return nil
			}
			refused = invalid("signature")
		}
		if problem == nil || problem.SubCode == "isv.app-cert-not-exist" {
			problem = refused
		}
	}
	return problem
}

// stamped tells whether a request's stamp is about now, in GMT+8. The SDK stamps with the wall clock, so that is the measure.
func stamped(text string) bool {
	t, err := time.ParseInLocation(timeForm, text, gmt8)
	return err == nil && time.Since(t).Abs() <= mostSkew
}

func (g *Gateway) callPrecreate(r request) (map[string]string, *fault) {
	order, problem := readPrecreate(faceToFace, r.params["biz_content"], r.params["notify_url"], g.Credentials().SellerID, g.options.Now())
	if problem != nil {
		return nil, problem
	}
	t, problem := g.precreate(order, r.params["biz_content"]+"\n"+r.params["notify_url"], r.params["notify_url"], "")
	if problem != nil {
		return nil, problem
	}
	return map[string]string{"out_trade_no": t.OutTradeNo, "qr_code": g.url(r.host) + "/pay/" + t.Token()}, nil
}

func (g *Gateway) callQuery(r request) (map[string]string, *fault) {
	ref, problem := readRef(r.params["biz_content"])
	if problem != nil {
		return nil, problem
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t, problem := g.find(ref)
	if problem != nil {
		return nil, problem
	}
	members := map[string]string{
		"out_trade_no": t.OutTradeNo, "trade_no": t.TradeNo, "trade_status": t.Status,
		"buyer_user_id": t.BuyerID, "buyer_logon_id": "pay***@example.com",
		"total_amount": yuan(t.TotalAmount), "buyer_pay_amount": "0.00", "receipt_amount": "0.00", "point_amount": "0.00", "invoice_amount": "0.00",
	}
	if !t.PaidAt.IsZero() {
		members["buyer_pay_amount"], members["receipt_amount"], members["invoice_amount"] = yuan(t.TotalAmount), yuan(t.TotalAmount), yuan(t.TotalAmount)
		members["send_pay_date"] = t.PaidAt.In(gmt8).Format(timeForm)
	}
	return members, nil
}

func (g *Gateway) callClose(r request) (map[string]string, *fault) {
	ref, problem := readRef(r.params["biz_content"])
	if problem != nil {
		return nil, problem
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t, problem := g.find(ref)
	switch {
	case problem != nil:
		return nil, problem
	case t.Status == closed:
		return nil, business("ACQ.TRADE_HAS_CLOSE", "the trade is closed")
	case t.Status != waiting:
		return nil, business("ACQ.TRADE_STATUS_ERROR", "the trade's status doesn't allow this")
	}
	g.shut(t, g.options.Now())
	if err := g.journal.Write(t); err != nil {
		return nil, &fault{Code: "20000", Msg: "Service Currently Unavailable", SubCode: "isp.unknow-error", SubMsg: "system busy"}
	}
	return map[string]string{"out_trade_no": t.OutTradeNo, "trade_no": t.TradeNo}, nil
}

// url is where payers reach this server.
func (g *Gateway) url(host string) string {
	if g.options.URL != "" {
		return strings.TrimSuffix(g.options.URL, "/")
	}
	return "http://" + host
}
