package meter

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	writeUnit = 1 << 10
	readUnit  = 4 << 10
)

// Size is an item's size in bytes, as DynamoDB counts it: names and values in UTF-8, numbers by their significant
// digits, documents with their overhead.
func Size(item map[string]types.AttributeValue) (size int) {
	for name, value := range item {
		size += len(name) + valueSize(value)
	}
	return size
}

func sizeOf(items []map[string]types.AttributeValue) (size int) {
	for _, item := range items {
		size += Size(item)
	}
	return size
}

func valueSize(value types.AttributeValue) (size int) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		return 1
	case *types.AttributeValueMemberSS:
		return len(strings.Join(v.Value, ""))
	case *types.AttributeValueMemberNS:
		for _, number := range v.Value {
			size += numberSize(number)
		}
	case *types.AttributeValueMemberBS:
		for _, blob := range v.Value {
			size += len(blob)
		}
	case *types.AttributeValueMemberL:
		size = 3
		for _, element := range v.Value {
			size += 1 + valueSize(element)
		}
	case *types.AttributeValueMemberM:
		size = 3 + len(v.Value) + Size(v.Value)
	}
	return size
}

// numberSize is one byte for two significant digits, one more, and one for a minus.
func numberSize(number string) int {
	digits := strings.TrimPrefix(number, "-")
	size := 1 + len(number) - len(digits)
	whole, fraction, dotted := strings.Cut(digits, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	if !dotted || strings.Trim(fraction, "0") == "" {
		digits = strings.TrimRight(strings.TrimLeft(whole, "0"), "0")
	}
	return size + (len(digits)+1)/2
}

// scalar is a key attribute's value.
func scalar(value types.AttributeValue) string {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	}
	return ""
}

func writeUnits(size int) float64 { return float64(max(1, (size+writeUnit-1)/writeUnit)) }

// readUnits is for one item, or for the whole of a query. Reading nothing costs the least unit too.
func readUnits(size int, consistent *bool) float64 {
	units := float64(max(1, (size+readUnit-1)/readUnit))
	if consistent == nil || !*consistent {
		return units / 2
	}
	return units
}
