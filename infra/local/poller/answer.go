package poller

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// failures reads the answer of a function with ReportBatchItemFailures: which
// items of the batch failed. index finds an item by its identifier.
//
// An error means that Lambda can't tell, and takes the whole batch as failed: no
// JSON, no object, an identifier that is empty, null, missing or unknown. A null
// answer, no list, a null list and an empty one are complete success.
func failures(answer []byte, index map[string]int) ([]int, error) {
	var response *struct {
		BatchItemFailures []struct {
			ItemIdentifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		return nil, fmt.Errorf("read batchItemFailures: %w", err)
	}
	if response == nil {
		return nil, nil
	}
	var failed []int
	for _, item := range response.BatchItemFailures {
		if item.ItemIdentifier == nil {
			return nil, errors.New("read batchItemFailures: an itemIdentifier is missing or null")
		}
		i, known := index[*item.ItemIdentifier]
		if !known {
			return nil, fmt.Errorf("read batchItemFailures: itemIdentifier %q isn't of this batch", *item.ItemIdentifier)
		}
		failed = append(failed, i)
	}
	return failed, nil
}
