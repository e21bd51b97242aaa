package main

import (
	"billingcentre/shared/api"
	"billingcentre/shared/counter"
)

// handler is the counter's orders under this function's routes.
type handler struct{ counter.Orders }

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/accounts/{account}/recharges", Handle: h.Take},
		{Key: "GET /v1/accounts/{account}/recharges", Handle: h.List},
		{Key: "GET /v1/accounts/{account}/recharges/{recharge}", Handle: h.Get},
		{Key: "GET /v1/accounts/{account}/recharges/{recharge}/qr.png", Handle: h.QR},
		{Key: "POST /v1/accounts/{account}/recharges/{recharge}/query", Handle: h.Query},
		{Key: "POST /v1/operator/recharges/{recharge}/refunds", Handle: h.Refund},
		{Key: "GET /v1/operator/recharges/{recharge}/refunds", Handle: h.Refunds},
	}
}
