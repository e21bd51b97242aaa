// Package dynamo keeps the ledger in one DynamoDB table. It is the only place that knows DynamoDB.
//
// The table's key is (pk, sk). Three keys-only indexes serve the lists; nothing is ever decided on what they say.
//
//	item      pk               sk        other attributes
//	head      A#<account>      head      version N, body B; shard S and due N only while Head.Due is set
//	entry     E#<entry's key>  entry     list S = A#<account>, rank S = the entry's number, body B;
//	                                     grants S = A#<account> only where the entry brought new lots
//	document  D#<kind>#<id>    document  version N, body S (B if it isn't text); list S = L#<list> and rank S where it is in a list;
//	                                     token S where it was written alone; until N where the table may forget it then
//
//	index     partition, sort  is read by
//	lists     list, rank       Journal, List
//	grants    grants, rank     Grants
//	due       shard, due       Due
//
// A head's body is its canonical bytes; an entry's too, compressed where they don't fit into a kilobyte (squeeze.go). Entries have a
// partition each, spread by what caused them: only the head of a busy account is hot, and one commit writes it once
// for up to 99 entries. A rank has a fixed width, so that its order as text is its order as a number.
//
// A settlement costs five write units: two for the head and two for the entry, since both are written in one
// transaction, and one in the lists index. It updates version and body of the head and leaves shard and due alone,
// so the due index doesn't see it.
//
// What a failure means is decided in failure.go, and nowhere else.
package dynamo
