package till

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"billingcentre/shared/payment/alipay"
)

// lookEvery is how old the keys of a warm sandbox may be. Whoever changes keys puts the next one into the secret so long
// before it is used, at least; busy sandboxes live for hours.
const lookEvery = 5 * time.Minute

// Keys keeps a channel's keys as its secret has them. It looks by the clock only: what comes in can't make it call.
type Keys struct {
	Read  func(context.Context) (alipay.Secret, error)
	Renew func(alipay.Secret) error
	Log   *slog.Logger
	Now   func() time.Time

	mu     sync.Mutex
	looked time.Time
}

// Fresh is a function's handler that looks after its keys before it begins, when it is time. A secret that can't be read or
// used leaves the keys as they were: they are good until somebody ends them.
func Fresh[In, Out any](k *Keys, handle func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		k.look(ctx)
		return handle(ctx, in)
	}
}

func (k *Keys) look(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.Now().Sub(k.looked) < lookEvery {
		return
	}
	k.looked = k.Now()
	secret, err := k.Read(ctx)
	if err == nil {
		err = k.Renew(secret)
	}
	if err != nil {
		k.Log.Error("Alipay's secret can't be used: the keys stay as they were", "error", err.Error())
	}
}
