package sam

// S3: a bucket for files that people fetch, and the policy that lets nobody in without TLS.

type bucket struct {
	Line             int    `cfn:"@line"`
	BucketName       string `cfn:"BucketName,required" match:"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"`
	BucketEncryption struct {
		ServerSideEncryptionConfiguration []struct {
			ServerSideEncryptionByDefault struct {
				SSEAlgorithm string `cfn:"SSEAlgorithm,required" oneof:"AES256|aws:kms"`
			} `cfn:"ServerSideEncryptionByDefault,required"`
		} `cfn:"ServerSideEncryptionConfiguration,required" min:"1"`
	} `cfn:"BucketEncryption,required"`
	PublicAccessBlockConfiguration publicAccessBlock `cfn:"PublicAccessBlockConfiguration,required"`
	OwnershipControls              struct {
		Rules []struct {
			ObjectOwnership string `cfn:"ObjectOwnership,required" oneof:"BucketOwnerEnforced"`
		} `cfn:"Rules,required" min:"1"`
	} `cfn:"OwnershipControls,required"`
	LifecycleConfiguration struct {
		Rules []lifecycleRule `cfn:"Rules,required" min:"1"`
	} `cfn:"LifecycleConfiguration,required"`
}

type publicAccessBlock struct {
	BlockPublicAcls       bool `cfn:"BlockPublicAcls,required"`
	BlockPublicPolicy     bool `cfn:"BlockPublicPolicy,required"`
	IgnorePublicAcls      bool `cfn:"IgnorePublicAcls,required"`
	RestrictPublicBuckets bool `cfn:"RestrictPublicBuckets,required"`
}

// lifecycleRule is of the whole bucket.
type lifecycleRule struct {
	ID                             string `cfn:"Id,required"`
	Status                         string `cfn:"Status,required" oneof:"Enabled"`
	ExpirationInDays               int    `cfn:"ExpirationInDays" min:"1"`
	AbortIncompleteMultipartUpload *struct {
		DaysAfterInitiation int `cfn:"DaysAfterInitiation,required" min:"1"`
	} `cfn:"AbortIncompleteMultipartUpload"`
}

type bucketPolicy struct {
	Line           int    `cfn:"@line"`
	Bucket         string `cfn:"Bucket,required"`
	PolicyDocument struct {
		Version   string        `cfn:"Version,required" oneof:"2012-10-17"`
		Statement []bucketGuard `cfn:"Statement,required" min:"1"`
	} `cfn:"PolicyDocument,required"`
}

// bucketGuard denies everybody everything that doesn't come over TLS.
type bucketGuard struct {
	Sid       string `cfn:"Sid"`
	Effect    string `cfn:"Effect,required" oneof:"Deny"`
	Principal string `cfn:"Principal,required" oneof:"*"`
	Action    string `cfn:"Action,required" oneof:"s3:*"`
	Resource  list   `cfn:"Resource,required"`
	Condition struct {
		Bool struct {
			SecureTransport string `cfn:"aws:SecureTransport,required" oneof:"false"`
		} `cfn:"Bool,required"`
	} `cfn:"Condition,required"`
}
