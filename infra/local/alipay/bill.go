package alipay

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	billReady = 9 * time.Hour    // after midnight in GMT+8, a day's bill is made
	billLife  = 30 * time.Second // of a bill's address
)

// BillLine is a movement as the bill of its day has it.
type BillLine struct {
	TradeNo, OutTradeNo string
	Refund              string // out_request_no; "" for a payment
	Subject             string
	Amount, Received    int64 // fen; positive for refunds, too
	At                  time.Time
}

// download is a bill that waits to be fetched.
type download struct {
	packed []byte
	dies   time.Time
}

// bills are the files that wait, and what tests do to them.
type bills struct {
	waiting map[string]download
	change  func(day string, lines []BillLine) []BillLine
	cut     bool
}

// ChangeBills lets lines be missing from bills, added to them or changed, as a test wants it; nil tells the truth.
func (g *Gateway) ChangeBills(change func(day string, lines []BillLine) []BillLine) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bills.change = change
}

// CutBills sends bills without their last line, as a broken download does.
func (g *Gateway) CutBills(cut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bills.cut = cut
}

// callBill is alipay.data.dataservice.bill.downloadurl.query: T+1, from about nine o'clock on.
func (g *Gateway) callBill(r request) (map[string]string, *fault) {
	var asked struct {
		Type string `json:"bill_type"`
		Date string `json:"bill_date"`
	}
	if err := json.Unmarshal([]byte(r.params["biz_content"]), &asked); err != nil {
		return nil, invalid("biz-content")
	}
	day, err := time.ParseInLocation(time.DateOnly, asked.Date, gmt8)
	if asked.Type != "trade" || err != nil {
		return nil, invalid("arguments")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.options.Now()
	lines := g.billLines(asked.Date)
	if g.bills.change != nil {
		lines = g.bills.change(asked.Date, lines)
	}
	if now.Before(day.AddDate(0, 0, 1).Add(billReady)) || len(lines) == 0 {
		return nil, business("isp.bill_not_exist", "the bill doesn't exist")
	}
	packed, err := packBill(g.credentials.SellerID, day, lines, g.bills.cut)
	if err != nil {
		return nil, &fault{Code: "20000", Msg: "Service Currently Unavailable", SubCode: "isp.unknow-error", SubMsg: "system busy"}
	}
	name := token()
	if g.bills.waiting == nil {
		g.bills.waiting = map[string]download{}
	}
	g.bills.waiting[name] = download{packed, now.Add(billLife)}
	return map[string]string{"bill_download_url": g.url(r.host) + "/bill/" + name}, nil
}

// serveBill hands out a bill, whoever asks, while its address lives.
func (g *Gateway) serveBill(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	found, ok := g.bills.waiting[r.PathValue("token")]
	alive := ok && !g.options.Now().After(found.dies)
	g.mu.Unlock()
	if !alive {
		http.Error(w, "the address has expired", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(found.packed)
}

// billLines are the movements of a day, in order. The caller holds the lock.
func (g *Gateway) billLines(day string) []BillLine {
	var lines []BillLine
	on := func(at time.Time) bool { return !at.IsZero() && at.In(gmt8).Format(time.DateOnly) == day }
	for _, t := range g.trades {
		if on(t.PaidAt) {
			fen, _ := minor(t.TotalAmount)
			lines = append(lines, BillLine{TradeNo: t.TradeNo, OutTradeNo: t.OutTradeNo, Subject: t.Subject, Amount: fen, Received: fen, At: t.PaidAt})
		}
		lines = append(lines, t.billRefunds(on)...)
	}
	slices.SortFunc(lines, func(a, b BillLine) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.TradeNo+a.Refund, b.TradeNo+b.Refund)
	})
	return lines
}

// packBill makes the zip of two files as Alipay makes it: CSV in GBK, with lines of its own that begin with #, and names in
// GBK, too.
func packBill(seller string, day time.Time, lines []BillLine, cut bool) ([]byte, error) {
	var details strings.Builder
	fmt.Fprintf(&details, "#支付宝业务明细查询\r\n#账号：[%s0156]\r\n", seller)
	fmt.Fprintf(&details, "#起始日期：[%s]   终止日期：[%s]\r\n", day.Format("2006年01月02日 15:04:05"), day.AddDate(0, 0, 1).Format("2006年01月02日 15:04:05"))
	details.WriteString("#-----------------------------------------业务明细列表----------------------------------------\r\n")
	details.WriteString("支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）," +
		"支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n")
	var count [2]int
	var sum [2]int64
	for _, l := range lines {
		kind, sign, which := "交易", "", 0
		if l.Refund != "" {
			kind, sign, which = "退款", "-", 1
		}
		count[which]++
		sum[which] += l.Received
		at := l.At.In(gmt8).Format(timeForm)
		fmt.Fprintf(&details, "%s\t,%s\t,%s,%s,%s,%s,,,,,pay***@example.com,%s%s,%s%s,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,%s\t,0.00,0.00,\r\n",
			l.TradeNo, l.OutTradeNo, kind, strings.ReplaceAll(l.Subject, ",", " "), at, at, sign, fen(l.Amount), sign, fen(l.Received), l.Refund)
	}
	if !cut {
		details.WriteString("#-----------------------------------------业务明细列表结束------------------------------------\r\n")
		fmt.Fprintf(&details, "#交易合计：%d笔，商家实收共%s元，商家优惠共0.00元\r\n", count[0], fen(sum[0]))
		fmt.Fprintf(&details, "#退款合计：%d笔，商家实收退款共-%s元，商家优惠退款共0.00元\r\n", count[1], fen(sum[1]))
	}
	summary := fmt.Sprintf("#支付宝业务汇总查询\r\n门店编号,门店名称,交易订单总笔数,退款订单总笔数\r\n合计,,%d,%d\r\n", count[0], count[1])
	name := seller + "0156_" + day.Format("20060102") + "_业务明细"
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, file := range [][2]string{{name + ".csv", details.String()}, {name + "(汇总).csv", summary}} {
		if err := addFile(archive, file[0], file[1]); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return out.Bytes(), err
}

func addFile(archive *zip.Writer, name, text string) error {
	encoder := simplifiedchinese.GBK.NewEncoder()
	encodedName, err := encoder.String(name)
	if err != nil {
		return err
	}
	encoded, err := encoder.String(text)
	if err != nil {
		return err
	}
	w, err := archive.CreateHeader(&zip.FileHeader{Name: encodedName, NonUTF8: true, Method: zip.Deflate})
	if err != nil {
		return err
	}
	_, err = w.Write([]byte(encoded))
	return err
}

// fen writes an amount of fen in yuan.
func fen(n int64) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

// billRefunds are the trade's refunds of a day.
func (t *Trade) billRefunds(on func(time.Time) bool) []BillLine {
	var lines []BillLine
	for _, r := range t.Refunds {
		if on(r.At) {
			sent, _ := minor(r.Amount)
			lines = append(lines, BillLine{
				TradeNo: t.TradeNo, OutTradeNo: t.OutTradeNo, Refund: r.RequestNo, Subject: t.Subject, Amount: sent, Received: sent, At: r.At,
			})
		}
	}
	return lines
}
