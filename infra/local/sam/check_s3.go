package sam

import (
	"maps"
	"slices"
	"strings"
)

// Bucket is one bucket of S3.
type Bucket struct {
	LogicalID  string
	Name       string
	ExpiryDays int // after which objects expire
	AbortDays  int // after which uploads that nobody ended are forgotten
}

// checkBuckets asks of a bucket what keeps people's money matters in, and the bill for storage down.
func (r *reading) checkBuckets() {
	buckets := bodies[bucket](r)
	for _, id := range slices.Sorted(maps.Keys(buckets)) {
		b, where := buckets[id], id+".Properties."
		if b.PublicAccessBlockConfiguration != (publicAccessBlock{true, true, true, true}) {
			r.faults.add(b.Line, where+"PublicAccessBlockConfiguration", "must block all of it")
		}
		if one := r.bucket(id, b); one.ExpiryDays == 0 || one.AbortDays == 0 {
			r.faults.add(b.Line, where+"LifecycleConfiguration", "must let objects expire, and uploads that nobody ended")
		}
		if !r.onlyTLS(id) {
			r.faults.add(b.Line, id, "no AWS::S3::BucketPolicy keeps out what doesn't come over TLS")
		}
		r.mustRetain(id)
	}
}

func (r *reading) bucket(id string, b *bucket) Bucket {
	out := Bucket{LogicalID: id, Name: r.references.values[id]}
	for _, rule := range b.LifecycleConfiguration.Rules {
		out.ExpiryDays = max(out.ExpiryDays, rule.ExpirationInDays)
		if abort := rule.AbortIncompleteMultipartUpload; abort != nil {
			out.AbortDays = max(out.AbortDays, abort.DaysAfterInitiation)
		}
	}
	return out
}

func (r *reading) onlyTLS(id string) bool {
	arn := r.references.values[id+".Arn"]
	for _, policy := range bodies[bucketPolicy](r) {
		for _, guard := range policy.PolicyDocument.Statement {
			if policy.Bucket == r.references.values[id] && slices.Contains(guard.Resource, arn) && slices.Contains(guard.Resource, arn+"/*") {
				return true
			}
		}
	}
	return false
}

// isFolder tells whether a resource is a folder's objects in a bucket of this template: objects can't be named one by
// one, so that this is the one wildcard there may be.
func (r *reading) isFolder(resource string) bool {
	folder, ok := strings.CutSuffix(resource, "/*")
	if !ok || strings.ContainsAny(folder, "*?") {
		return false
	}
	for id := range bodies[bucket](r) {
		if name, found := strings.CutPrefix(folder, r.references.values[id+".Arn"]+"/"); found && name != "" {
			return true
		}
	}
	return false
}

func (r *reading) buckets(d *Deployment) {
	buckets := bodies[bucket](r)
	for _, id := range slices.Sorted(maps.Keys(buckets)) {
		d.Buckets = append(d.Buckets, r.bucket(id, buckets[id]))
	}
}
