package sim

import (
	"fmt"
	"sort"
	"testing"

	"github.com/anishathalye/porcupine"
)

func TestDbg(t *testing.T) {
	r := Run(t, *first, Options{})
	by := map[string][]Operation{}
	for _, o := range r.History {
		by[string(o.Account)] = append(by[string(o.Account)], o)
	}
	for a, ops := range by {
		var h []porcupine.Operation
		for i, o := range ops {
			h = append(h, porcupine.Operation{ClientId: i, Input: o, Call: o.Call, Return: o.Return})
		}
		if porcupine.CheckOperations(model(r.Began), h) {
			continue
		}
		sort.Slice(ops, func(i, j int) bool { return ops[i].Call < ops[j].Call })
		fmt.Println(a, len(r.Began[Operation{}.Account]))
		for _, o := range ops {
			n := int64(0)
			if o.Entry != nil {
				n = o.Entry.Number
			}
			fmt.Printf("%d..%d %s cmd=%T view=%t v%d rep=%t ref=%v num=%d\n", o.Call, o.Return, o.Key, o.Command, o.View, o.Head.Version, o.Repeated, o.Refused, n)
		}
	}
}
