package main

import (
	"billingcentre/shared/api"
	"billingcentre/shared/counter"
)

// handler is the counter's notices under this function's route.
type handler struct{ counter.Notices }

func (h handler) routes() []api.Route {
	return []api.Route{{Key: "POST /v1/payments/alipay/notices", Handle: h.Notice}}
}
