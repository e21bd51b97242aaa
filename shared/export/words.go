package export

import (
	"billingcentre/shared/books"
	"billingcentre/shared/wallet"
)

// chinese are the words of what English files call by the API's own names.
var chinese = map[string]string{
	// kinds of entries
	"opened": "开户", "topped_up": "充值", "adjusted": "调账", "activated": "代金券激活", "allocated": "预购卡分配",
	"purchased": "预购卡购买", "ordered": "预付订单", "settled": "账单结算", "reversed": "账单冲正", "expired": "到期失效",
	"refund_reserved": "退款冻结", "refund_paid": "退款完成", "refund_released": "退款解冻",
	// funds
	"cash": "现金", "arrears": "欠费", "regular": "普通代金券", "discount": "满减代金券", "card": "预购卡",
	// places that money comes from and goes to
	"payer": "付款方", "company": "平台", "usage": "用量消费", "package": "预付套餐", "cloud": "云账号", "breakage": "到期失效", "refund": "退款",
	// settlement methods
	"billing_center": "费用中心",
	// classes of products
	"general": "一般", "restricted": "受限",
	// what a row of a bill is, and the parts of a monthly bill
	"settlement": "结算", "reversal": "冲正", "month": "当月费用", "older_months": "以前月份调整",
	// statuses of vouchers and cards, and how they came
	"active": "可用", "used_up": "已用完", "from_code": "激活码", "from_operator": "平台分配", "from_partner": "伙伴分配", "from_purchase": "现金购买",
	"from_gift": "购卡赠送",
}

// word is a word of ours in a language.
func word(language Language, text string) Cell {
	if translated, known := chinese[text]; known && language == Chinese {
		return Text(translated)
	}
	return Text(text)
}

func kindWord(language Language, kind wallet.EntryKind) Cell { return word(language, kind.String()) }

func fundWord(language Language, fund books.Fund) Cell { return word(language, fund.String()) }

// rowWord tells a settlement from its reversal.
func rowWord(language Language, reversal bool) Cell {
	if reversal {
		return word(language, "reversal")
	}
	return word(language, "settlement")
}
