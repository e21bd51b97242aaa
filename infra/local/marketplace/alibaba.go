package marketplace

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	alibabaPath  = "/alibaba/"
	alibabaMost  = 100
	alibabaPause = time.Minute // between two pushes of one instance
	alibabaSkew  = 15 * time.Minute
)

type alibabaUsage struct {
	InstanceId string
	StartTime  string
	EndTime    string
	Entities   []struct{ Key, Value string }
}

func (s *Server) alibaba(w http.ResponseWriter, r *http.Request) {
	fate := s.fate("alibaba")
	if fate == Lost {
		lose()
	}
	refuse := func(status int, code, text string) {
		reply(w, status, "application/json;charset=utf-8", map[string]string{"RequestId": "LOCAL", "HostId": r.Host, "Code": code, "Message": text})
	}
	if err := r.ParseForm(); err != nil {
		refuse(http.StatusBadRequest, "InvalidParameter", "The form can't be read.")
		return
	}
	if code := s.unsignedAlibaba(r.Method, r.PostForm); code != "" {
		refuse(http.StatusForbidden, code, "Specified signature, key, nonce or time is not right.")
		return
	}
	switch fate {
	case Throttled, Partial:
		refuse(http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control.")
		return
	case ServerError:
		refuse(http.StatusInternalServerError, "InternalError", "The request processing has failed due to some unknown error.")
		return
	}
	if code, text := s.pushMeteringData(r.PostForm); code != "" {
		refuse(http.StatusBadRequest, code, text)
		return
	}
	if fate == ServerErrorDone {
		refuse(http.StatusInternalServerError, "InternalError", "The request processing has failed due to some unknown error.")
		return
	}
	deliver(w, r, fate, func(w http.ResponseWriter) {
		reply(w, http.StatusOK, "application/json;charset=utf-8", map[string]any{"RequestId": "LOCAL", "Success": true})
	})
}

// pushMeteringData takes all usage of a call or none. Nothing makes the same usage again the same.
func (s *Server) pushMeteringData(form url.Values) (code, text string) {
	var pushed []alibabaUsage
	if form.Get("Action") != "PushMeteringData" || form.Get("Version") != "2015-11-01" {
		return "InvalidAction.NotFound", "Specified api is not found."
	}
	if err := json.Unmarshal([]byte(form.Get("Metering")), &pushed); err != nil || len(pushed) == 0 || len(pushed) > alibabaMost {
		return "InvalidParameter.Metering", "Metering must be a JSON array of 1 to 100."
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	var taken []Accepted
	for _, u := range pushed {
		start, err1 := strconv.ParseInt(u.StartTime, 10, 64)
		end, err2 := strconv.ParseInt(u.EndTime, 10, 64)
		at := time.Unix(end, 0).UTC()
		switch {
		case err1 != nil || err2 != nil || end-start <= 300 || len(u.Entities) != 1:
			return "InvalidParameter.Metering", "StartTime and EndTime must be more than five minutes apart."
		case s.standing("alibaba", u.InstanceId) != Subscribed:
			return "InstanceNotFound", "The instance doesn't exist, or has expired."
		case at.After(now) || now.After(at.Truncate(time.Hour).Add(2*time.Hour)):
			return "MeteringTimeExpired", "Usage of an hour is taken until the end of the next one."
		case now.Sub(s.last[u.InstanceId]) < alibabaPause:
			return "Throttling.Instance", "One request per instance within 60 seconds."
		}
		quantity, err := strconv.ParseInt(u.Entities[0].Value, 10, 32)
		if err != nil || quantity < 0 {
			return "InvalidParameter.Metering", "Value must be a whole number."
		}
		taken = append(taken, Accepted{Provider: "alibaba", Customer: u.InstanceId, Dimension: u.Entities[0].Key, Quantity: quantity, At: at})
	}
	for _, a := range taken {
		s.last[a.Customer] = now
		a.ID = fmt.Sprintf("push-%06d", len(s.accepted)+1)
		s.accepted = append(s.accepted, a)
	}
	return "", ""
}

// unsignedAlibaba checks an RPC signature. It is written apart from the adapter's, so that both must be right.
func (s *Server) unsignedAlibaba(method string, form url.Values) (code string) {
	var canonical strings.Builder
	for i, name := range slices.Sorted(maps.Keys(form)) {
		if name == "Signature" {
			continue
		}
		if i > 0 && canonical.Len() > 0 {
			canonical.WriteByte('&')
		}
		canonical.WriteString(percent(name) + "=" + percent(form.Get(name)))
	}
	mac := hmac.New(sha1.New, []byte(s.options.Keys.AlibabaSecret+"&"))
	fmt.Fprintf(mac, "%s&%s&%s", method, percent("/"), percent(canonical.String()))
	told, err := base64.StdEncoding.DecodeString(form.Get("Signature"))
	at, timeErr := time.Parse(time.RFC3339, form.Get("Timestamp"))
	nonce := "alibaba " + form.Get("SignatureNonce")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case form.Get("AccessKeyId") != s.options.Keys.AlibabaKeyID:
		return "InvalidAccessKeyId.NotFound"
	case err != nil || !hmac.Equal(told, mac.Sum(nil)):
		return "SignatureDoesNotMatch"
	case timeErr != nil || s.options.Now().Sub(at).Abs() > alibabaSkew:
		return "IllegalTimestamp"
	case s.nonces[nonce]:
		return "SignatureNonceUsed"
	}
	s.nonces[nonce] = true
	return ""
}

// percent is percent encoding by RFC 3986, byte by byte.
func percent(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
