package alipay

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	sdk "github.com/smartwalle/alipay/v3"
	"golang.org/x/text/encoding/simplifiedchinese"

	"billingcentre/shared/money"
	"billingcentre/shared/pattern"
	"billingcentre/shared/payment"
)

var _ payment.Biller = (*Channel)(nil)

const (
	mostZip     = 64 << 20  // bytes of a bill as it is downloaded
	mostCSV     = 256 << 20 // bytes of a bill unpacked
	billTimeout = time.Minute
)

// downloads is the client for bills: they are large, and their address is good for thirty seconds only.
func (c Config) downloads() *http.Client {
	base := c.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	return &http.Client{Transport: base, Timeout: billTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Bill implements payment.Biller (alipay.data.dataservice.bill.downloadurl.query, type trade). Alipay makes a day's bill by
// about 09:00 of the next. The address of the file is signed for; the file itself isn't, so it must come by TLS from
// Alipay's own host, and be whole by its own count.
func (c *Channel) Bill(ctx context.Context, day string) ([]payment.BillRow, error) {
	request := sdk.NewPayload("alipay.data.dataservice.bill.downloadurl.query").AddBizField("bill_type", "trade").AddBizField("bill_date", day)
	var answer struct {
		verdict
		URL string `json:"bill_download_url"`
	}
	err := c.call(ctx, request, &answer)
	var refused *payment.Refused
	switch {
	case errors.As(err, &refused) && strings.HasSuffix(strings.ToLower(refused.Code), "bill_not_exist"):
		return nil, payment.ErrNoBill
	case err != nil:
		return nil, err
	}
	address, err := c.billAddress(answer.URL)
	if err != nil {
		return nil, err
	}
	packed, err := c.download(ctx, address)
	if err != nil {
		return nil, err
	}
	rows, err := readBill(packed)
	if err != nil {
		return nil, fmt.Errorf("alipay bill of %s: %w", day, err)
	}
	return rows, nil
}

// billAddress refuses to go anywhere but to Alipay, or to the gateway's own host in a sandbox, whatever an answer says.
func (c *Channel) billAddress(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", unknown("bill", "the address of the bill is unusable")
	}
	host := strings.ToLower(u.Hostname())
	if strings.HasSuffix(host, ".alipay.com") || c.mode == Sandbox && strings.HasSuffix(host, ".alipaydev.com") {
		u.Scheme = "https" // Alipay still hands out http
		return u.String(), nil
	}
	if gateway, err := url.Parse(c.gateway); err == nil && c.mode == Sandbox && u.Host == gateway.Host {
		return u.String(), nil
	}
	return "", unknown("bill", "the bill lies on a host that isn't Alipay's")
}

func (c *Channel) download(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, unknown("bill", "the address of the bill is unusable")
	}
	answer, err := c.downloads.Do(request)
	if err != nil {
		return nil, unknown("bill", "the download failed") // its error names the address, which is a secret while it works
	}
	defer answer.Body.Close()
	packed, err := io.ReadAll(io.LimitReader(answer.Body, mostZip+1))
	if err != nil || answer.StatusCode != http.StatusOK || len(packed) > mostZip {
		return nil, unknown("bill", "the download answered %d, %d bytes", answer.StatusCode, len(packed))
	}
	return packed, nil
}

// readBill finds the details among the files of a bill: the other one sums up.
func readBill(packed []byte) ([]payment.BillRow, error) {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, errors.New("it isn't a zip file")
	}
	for _, file := range archive.File {
		name, err := simplifiedchinese.GB18030.NewDecoder().String(file.Name)
		if err != nil || strings.Contains(name, "汇总") || strings.Contains(file.Name, "汇总") || !strings.HasSuffix(name, ".csv") {
			continue
		}
		in, err := file.Open()
		if err != nil {
			return nil, fmt.Errorf("it can't be unpacked: %w", err)
		}
		text, err := io.ReadAll(io.LimitReader(simplifiedchinese.GB18030.NewDecoder().Reader(in), mostCSV+1))
		if err = errors.Join(err, in.Close()); err != nil || len(text) > mostCSV {
			return nil, fmt.Errorf("it can't be unpacked (%d bytes): %w", len(text), err)
		}
		return readDetails(string(text))
	}
	return nil, errors.New("it holds no details")
}

var (
	billCount  = pattern.Of(`^#交易合计：(\d+)笔`)
	billRefund = pattern.Of(`^#退款合计：(\d+)笔`)
)

// readDetails reads the lines between headers and end. Lines that begin with # are Alipay's own; they tell how many
// there must be, so a file that was cut off is seen.
func readDetails(text string) ([]payment.BillRow, error) {
	var rows []payment.BillRow
	var headers map[string]int
	told, ended := map[bool]int{}, false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "#"):
			ended = ended || headers != nil && strings.Contains(line, "列表结束")
			for refund, form := range map[bool]*regexp.Regexp{false: billCount(), true: billRefund()} {
				if count := form.FindStringSubmatch(line); count != nil {
					told[refund], _ = strconv.Atoi(count[1]) // digits, by the form
				}
			}
		case headers == nil:
			var err error
			if headers, err = billHeaders(line); err != nil {
				return nil, err
			}
		default:
			row, err := billRow(headers, line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			row.Line = i + 1
			rows = append(rows, row)
		}
	}
	refunds := 0
	for _, row := range rows {
		if row.Refund != "" {
			refunds++
		}
	}
	if headers == nil || !ended || told[false] != len(rows)-refunds || told[true] != refunds {
		return nil, fmt.Errorf("it isn't whole: %d payments and %d refunds, %d and %d are announced", len(rows)-refunds, refunds, told[false], told[true])
	}
	return rows, nil
}

// The columns that count. Alipay adds others at times.
const (
	colTrade    = "支付宝交易号"
	colOrder    = "商户订单号"
	colKind     = "业务类型"
	colDone     = "完成时间"
	colAmount   = "订单金额（元）"
	colReceived = "商家实收（元）"
	colRefund   = "退款批次号/请求号"
	colFee      = "服务费（元）"
)

func fieldsOf(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.LazyQuotes = true // product names are anybody's
	fields, err := r.Read()
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i]) // Alipay ends fields with tabs, so that spreadsheets keep long numbers
	}
	return fields, err
}

func billHeaders(line string) (map[string]int, error) {
	fields, err := fieldsOf(line)
	at := map[string]int{}
	for i, header := range fields {
		at[header] = i
	}
	for _, header := range []string{colTrade, colOrder, colKind, colDone, colAmount, colReceived, colRefund, colFee} {
		if _, ok := at[header]; !ok || err != nil {
			return nil, fmt.Errorf("it has no column %q", header)
		}
	}
	return at, nil
}

func billRow(headers map[string]int, line string) (payment.BillRow, error) {
	fields, err := fieldsOf(line)
	if err != nil || len(fields) < len(headers) {
		return payment.BillRow{}, errors.New("it is cut off")
	}
	field := func(header string) string { return fields[headers[header]] }
	row := payment.BillRow{Ref: field(colTrade), OrderID: field(colOrder), Refund: field(colRefund)}
	refund := false
	switch kind := field(colKind); kind {
	case "交易":
		row.Refund = ""
	case "退款":
		if refund = true; row.Refund == "" {
			return row, errors.New("a refund has no request number")
		}
	default:
		return row, fmt.Errorf("the kind %.16q isn't known", kind)
	}
	var errs [4]error
	row.Amount, errs[0] = billAmount(field(colAmount), refund)
	row.Received, errs[1] = billAmount(field(colReceived), refund)
	row.Fee, errs[2] = billAmount(field(colFee), !refund) // a fee is what leaves us: negative with a payment
	row.At, errs[3] = parseTime(field(colDone))
	return row, errors.Join(errs[:]...)
}

// billAmount reads an amount of a bill; those that are negative there are told as positive when they must be negative.
func billAmount(text string, negative bool) (money.Amount, error) {
	rest, minus := strings.CutPrefix(text, "-")
	amount, err := money.Parse("", rest, money.CNY)
	switch {
	case err != nil:
		return amount, fmt.Errorf("%.32q is no amount", text)
	case minus != negative && !amount.IsZero():
		return amount, fmt.Errorf("%.32q has the wrong sign", text)
	}
	return amount, nil
}
