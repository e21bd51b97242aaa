package sqs

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"
)

type queueRef struct {
	QueueURL string `json:"QueueUrl"`
}

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

func (c call) createQueue(in createQueueInput) (queueRef, error) {
	q, err := c.Create(in.QueueName, in.Attributes, in.Tags)
	if err != nil {
		return queueRef{}, err
	}
	return queueRef{c.queueURL(q.name)}, nil
}

type getQueueURLInput struct {
	QueueName string
}

func (c call) getQueueURL(in getQueueURLInput) (queueRef, error) {
	if in.QueueName == "" {
		return queueRef{}, errMissing("QueueName")
	}
	q, err := c.Queue(in.QueueName)
	if err != nil {
		return queueRef{}, err
	}
	return queueRef{c.queueURL(q.name)}, nil
}

type listQueuesInput struct {
	QueueNamePrefix string
	NextToken       string
	MaxResults      *int
}

type listQueuesOutput struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

func (c call) listQueues(in listQueuesInput) (listQueuesOutput, error) {
	c.mu.Lock()
	names := c.names(in.QueueNamePrefix)
	c.mu.Unlock()
	urls, token, err := c.page(names, in.MaxResults, in.NextToken)
	return listQueuesOutput{urls, token}, err
}

// page turns a sorted list of names into URLs: the first 1,000, or limit of them
// after the one in token.
func (c call) page(names []string, limit *int, token string) (urls []string, next string, err error) {
	size := 1000
	if limit != nil {
		if size = *limit; size < 1 || size > 1000 {
			return nil, "", errValue(size, "MaxResults", "Must be between 1 and 1000, if provided.")
		}
	}
	after, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", errValue(token, "NextToken", "Invalid or expired next token.")
	}
	for _, name := range names {
		if name <= string(after) {
			continue
		}
		if len(urls) == size {
			return urls, next, nil
		}
		urls = append(urls, c.queueURL(name))
		next = base64.URLEncoding.EncodeToString([]byte(name))
	}
	return urls, "", nil
}

type listSourcesInput struct {
	QueueURL   string `json:"QueueUrl"`
	NextToken  string
	MaxResults *int
}

// listSourcesOutput has its list in lower case, as the service's model has.
type listSourcesOutput struct {
	QueueURLs []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

func (c call) listDeadLetterSourceQueues(in listSourcesInput) (listSourcesOutput, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return listSourcesOutput{}, err
	}
	c.mu.Lock()
	names := c.deadLetterSources(q.ARN())
	c.mu.Unlock()
	urls, token, err := c.page(names, in.MaxResults, in.NextToken)
	return listSourcesOutput{urls, token}, err
}

type getAttributesInput struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}

type getAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (c call) getQueueAttributes(in getAttributesInput) (getAttributesOutput, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return getAttributesOutput{}, err
	}
	all, err := q.Attributes()
	if err != nil {
		return getAttributesOutput{}, err
	}
	if slices.Contains(in.AttributeNames, "All") {
		return getAttributesOutput{all}, nil
	}
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		if value, ok := all[name]; ok {
			out[name] = value
		} else if !knownAttribute(name) {
			return getAttributesOutput{}, errAttributeName(name)
		}
	}
	return getAttributesOutput{out}, nil
}

func knownAttribute(name string) bool {
	_, numeric := bounds[name]
	return numeric || slices.Contains(kept, name) || slices.Contains(computed, name) || slices.Contains(fifo, name) ||
		name == "RedrivePolicy" || name == "RedriveAllowPolicy"
}

// Attributes tells a queue's settings and its counts, under AWS's names.
func (q *Queue) Attributes() (map[string]string, error) {
	s := q.server
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.lookup(q.name)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(map[string]string(found.attributes))
	all["QueueArn"] = found.arn
	all["CreatedTimestamp"] = strconv.FormatInt(found.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(found.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(found.visible.Len())
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(found.inFlight())
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(found.delayed)
	return all, nil
}

type setAttributesInput struct {
	QueueURL   string `json:"QueueUrl"`
	Attributes map[string]string
}

func (c call) setQueueAttributes(in setAttributesInput) (empty, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, q.SetAttributes(in.Attributes)
}

// SetAttributes changes a queue's settings: all of them, or none and why.
func (q *Queue) SetAttributes(change map[string]string) error {
	s := q.server
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.lookup(q.name)
	if err != nil {
		return err
	}
	settings, err := s.changed(q.name, found.attributes, change)
	if err != nil {
		return err
	}
	found.attributes, found.modified = settings, s.now().Truncate(time.Second)
	return nil
}

func (c call) deleteQueue(in queueRef) (empty, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, c.remove(q.name)
}

func (c call) purgeQueue(in queueRef) (empty, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, c.purge(q.name)
}

type tagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (c call) listQueueTags(in queueRef) (tagsOutput, error) {
	var out tagsOutput
	err := c.onTags(in.QueueURL, func(tags map[string]string) { out.Tags = tags })
	return out, err
}

type tagInput struct {
	QueueURL string `json:"QueueUrl"`
	Tags     map[string]string
}

func (c call) tagQueue(in tagInput) (empty, error) {
	return empty{}, c.onTags(in.QueueURL, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

type untagInput struct {
	QueueURL string `json:"QueueUrl"`
	TagKeys  []string
}

func (c call) untagQueue(in untagInput) (empty, error) {
	return empty{}, c.onTags(in.QueueURL, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

// onTags hands out a copy of a queue's tags and takes it as the new ones.
func (c call) onTags(queueURL string, change func(map[string]string)) error {
	q, err := c.queueAt(queueURL)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	found, err := c.lookup(q.name)
	if err != nil {
		return err
	}
	tags := maps.Clone(found.tags)
	if tags == nil {
		tags = map[string]string{}
	}
	change(tags)
	found.tags = tags
	return nil
}
