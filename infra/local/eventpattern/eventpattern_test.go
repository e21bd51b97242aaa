package eventpattern

import (
	"strings"
	"testing"
)

const settled = `{"source":"billing-centre","detail-type":"entry.settled","account":"000000000000","detail":{"account_id":"acme","entry":{
	"number":7,"reason":"","kind":"settled","arrears":"0.00","none":null,"flag":true,"small":-0.5,"lots":[{"kind":"card","face":300},{"kind":"regular"}],"tags":["a","b"]}}}`

// Each row is a pattern on detail.entry, unless it has a source of its own.
func TestPatterns(t *testing.T) {
	for pattern, want := range map[string]bool{
		`{"source":["billing-centre"]}`:                                       true,
		`{"source":["aws.ec2"]}`:                                              false,
		`{"source":["aws.ec2","billing-centre"]}`:                             true,
		`{"source":["billing-centre"],"detail-type":["entry.opened"]}`:        false,
		`{"detail-type":[{"prefix":"entry."}]}`:                               true,
		`{"detail-type":[{"prefix":"notice."}]}`:                              false,
		`{"detail-type":[{"suffix":".settled"}]}`:                             true,
		`{"detail-type":[{"equals-ignore-case":"ENTRY.Settled"}]}`:            true,
		`{"detail-type":[{"anything-but":"entry.settled"}]}`:                  false,
		`{"detail-type":[{"anything-but":["entry.opened","entry.expired"]}]}`: true,
		`{"detail-type":[{"anything-but":{"prefix":"notice."}}]}`:             true,
		`{"detail-type":[{"anything-but":{"prefix":"entry."}}]}`:              false,
		`{"kind":["settled"]}`:                                                true,
		`{"kind":["settle"]}`:                                                 false,
		`{"reason":[""]}`:                                                     true,
		`{"none":[null]}`:                                                     true,
		`{"reason":[null]}`:                                                   false,
		`{"flag":[true]}`:                                                     true,
		`{"flag":["true"]}`:                                                   false,
		`{"number":[7]}`:                                                      true,
		`{"number":["7"]}`:                                                    false,
		`{"number":[{"numeric":["=",7]}]}`:                                    true,
		`{"number":[{"numeric":[">",7]}]}`:                                    false,
		`{"number":[{"numeric":[">=",7,"<",8]}]}`:                             true,
		`{"small":[{"numeric":[">",-1,"<=",-0.5]}]}`:                          true,
		`{"arrears":[{"numeric":[">",-1]}]}`:                                  false, // a text is no number
		`{"number":[{"anything-but":8}]}`:                                     true,
		`{"number":[{"anything-but":[7,8]}]}`:                                 false,
		`{"reversal":[{"exists":false}]}`:                                     true,
		`{"reversal":[{"exists":true}]}`:                                      false,
		`{"kind":[{"exists":true}]}`:                                          true,
		`{"reversal":{"bill_id":[{"exists":false}]}}`:                         true,
		`{"reversal":[{"anything-but":"x"}]}`:                                 false, // of what isn't there
		`{"tags":["b"]}`:                                                      true,  // one of a list
		`{"tags":["c"]}`:                                                      false,
		`{"lots":{"kind":["regular"]}}`:                                       true,
		`{"lots":{"kind":["regular"],"face":[300]}}`:                          false, // not of one and the same
		`{"lots":{"kind":["card"],"face":[300]}}`:                             true,
		`{"arrears":["0.00",{"numeric":["=",0]}],"kind":["settled"]}`:         true,
		`{"arrears":["0.00"],"kind":["opened"]}`:                              false,
		`{"kind":{"deeper":["x"]}}`:                                           false,
	} {
		if !strings.Contains(pattern, "source") && !strings.Contains(pattern, "detail-type") {
			pattern = `{"detail":{"entry":` + pattern + `}}`
		}
		p, err := Parse([]byte(pattern))
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := p.Matches([]byte(settled)); got != want {
			t.Errorf("%s: %t", pattern, got)
		}
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	for _, pattern := range []string{
		``, `[]`, `"x"`, `{}`, `{"source":"billing-centre"}`, `{"source":[]}`, `{"source":{}}`, `{"source":[["x"]]}`, `{"source":["x"]} {}`, `{"source":[{"prefx":"x"}]}`,
		`{"source":[{"prefix":""}]}`, `{"source":[{"prefix":1}]}`, `{"source":[{"prefix":"a","suffix":"b"}]}`, `{"source":[{}]}`, `{"source":[{"exists":"yes"}]}`,
		`{"n":[{"numeric":[">"]}]}`, `{"n":[{"numeric":["~",1]}]}`, `{"n":[{"numeric":[">","1"]}]}`, `{"n":[{"numeric":[">",6000000000]}]}`, `{"n":[{"numeric":5}]}`,
		`{"n":[{"anything-but":[]}]}`, `{"n":[{"anything-but":["a",1]}]}`, `{"n":[{"anything-but":{"wildcard":"*"}}]}`, `{"n":[{"anything-but":true}]}`,
		`{"n":[{"wildcard":"*"}]}`, `{"$or":[{"a":["b"]}]}`, `{"source":["` + strings.Repeat("x", 4096) + `"]}`,
	} {
		if _, err := Parse([]byte(pattern)); err == nil {
			t.Errorf("taken: %.80s", pattern)
		}
	}
}
