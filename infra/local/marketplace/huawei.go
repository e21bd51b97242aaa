package marketplace

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

const (
	huaweiPath = "/api/mkp-openapi-public/global/v1/isv/usage-data"
	huaweiMost = 1000
	huaweiAge  = 21 * 24 * time.Hour
	huaweiForm = "20060102T150405Z"
)

type huaweiUsage struct {
	InstanceID string `json:"instance_id"`
	RecordTime string `json:"record_time"`
	BeginTime  string `json:"begin_time"`
	EndTime    string `json:"end_time"`
	Value      string `json:"usage_value"`
	SN         string `json:"metering_sn"`
}

var huaweiValue = regexp.MustCompile(`^[0-9]{1,8}(\.[0-9]{1,4})?$`)

func (s *Server) huawei(w http.ResponseWriter, r *http.Request) {
	fate := s.fate("huawei")
	if fate == Lost {
		lose()
	}
	answer := func(status int, code, text string) {
		reply(w, status, "application/json", map[string]string{"error_code": code, "error_msg": text})
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		lose()
	}
	if !s.signedHuawei(r, body) {
		answer(http.StatusBadRequest, "MKT.0102", "Invalid body sign")
		return
	}
	switch fate {
	case Throttled, Partial:
		answer(http.StatusTooManyRequests, "APIGW.0308", "The throttling threshold has been reached")
		return
	case ServerError:
		answer(http.StatusInternalServerError, "MKT.0999", "System internal error.")
		return
	}
	if status, code, text := s.pushUsage(body); code != "" {
		answer(status, code, text)
		return
	}
	if fate == ServerErrorDone {
		answer(http.StatusInternalServerError, "MKT.0999", "System internal error.")
		return
	}
	deliver(w, r, fate, func(http.ResponseWriter) { answer(http.StatusOK, "MKT.0000", "Success.") })
}

// pushUsage takes all records of a call or none. A record whose metering_sn is known is taken as the same.
func (s *Server) pushUsage(body []byte) (status int, code, text string) {
	var request struct {
		Records []huaweiUsage `json:"usage_records"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return http.StatusBadRequest, "MKT.0199", "Request parameter error"
	}
	if n := len(request.Records); n == 0 || n > huaweiMost {
		return http.StatusInternalServerError, "MKT.9003", "Usage records extends size limit."
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	var taken []Accepted
	for _, u := range request.Records {
		begin, err1 := time.Parse(huaweiForm, u.BeginTime)
		end, err2 := time.Parse(huaweiForm, u.EndTime)
		_, err3 := time.Parse(huaweiForm, u.RecordTime)
		switch {
		case err1 != nil || err2 != nil || err3 != nil || u.SN == "" || len(u.SN) > 64 || !end.After(begin) || end.After(now):
			return http.StatusBadRequest, "MKT.0101", "Invalid parameter"
		case !huaweiValue.MatchString(u.Value):
			return http.StatusInternalServerError, "MKT.9002", "Invalid usage enties."
		case s.standing("huawei", u.InstanceID) != Subscribed:
			return http.StatusInternalServerError, "MKT.9001", "Instance ID not found."
		case now.Sub(begin) > huaweiAge:
			return http.StatusInternalServerError, "MKT.9004", "Record beginTime extends Limit."
		}
		quantity, err := strconv.ParseInt(u.Value, 10, 64)
		if err != nil {
			return http.StatusInternalServerError, "MKT.9002", "Invalid usage enties."
		}
		taken = append(taken, Accepted{Provider: "huawei", Customer: u.InstanceID, Quantity: quantity, At: end, Sent: u.SN})
	}
	for _, a := range taken {
		key := "huawei\x00" + a.Sent
		if _, known := s.byKey[key]; known {
			continue
		}
		s.byKey[key] = len(s.accepted)
		a.ID = fmt.Sprintf("sdr-%06d", len(s.accepted)+1)
		s.accepted = append(s.accepted, a)
	}
	return 0, "", ""
}

// signedHuawei checks a signature, and that its nonce is new.
func (s *Server) signedHuawei(r *http.Request, body []byte) bool {
	ts, nonce := r.Header.Get("ts"), r.Header.Get("nonce")
	mac := hmac.New(sha256.New, []byte(s.options.Keys.HuaweiKey))
	fmt.Fprintf(mac, "ts=%s&nonce=%s&body=%s", ts, nonce, body)
	told, err := base64.StdEncoding.DecodeString(r.Header.Get("signature"))
	millis, tsErr := strconv.ParseInt(ts, 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || tsErr != nil || !hmac.Equal(told, mac.Sum(nil)) || s.nonces["huawei "+nonce] || nonce == "" {
		return false
	}
	s.nonces["huawei "+nonce] = true
	return s.options.Now().Sub(time.UnixMilli(millis)).Abs() < 15*time.Minute
}
