package api

import (
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Role is what a caller is to the billing centre (README, "Who and what").
type Role string

// The roles.
const (
	Owner    Role = "owner"    // of one account: looks, tops up, buys, activates, binds
	Viewer   Role = "viewer"   // of one account: looks
	Operator Role = "operator" // the company's own staff: any account
	Partner  Role = "partner"  // allocates cards from a quota
)

// Caller is who the token says is calling. API Gateway has verified the token; nothing else is believed.
type Caller struct {
	Subject string
	Role    Role
	Account wallet.AccountID // Owner and Viewer: the only account that exists for them
	Partner string           // Partner only
}

func callerOf(event events.APIGatewayV2HTTPRequest) Caller {
	authorizer := event.RequestContext.Authorizer
	if authorizer == nil || authorizer.JWT == nil {
		return Caller{}
	}
	claims := authorizer.JWT.Claims
	return Caller{
		Subject: claims["sub"], Role: Role(claims["role"]), Account: wallet.AccountID(claims["account"]), Partner: claims["partner"],
	}
}

// MustBe refuses callers of other roles.
func (c Caller) MustBe(roles ...Role) error {
	if c.Role == "" {
		return refusal.Of(refusal.Unauthenticated, "The token names no role.")
	}
	if !slices.Contains(roles, c.Role) {
		return refusal.Of(refusal.Forbidden, "This isn't for the role %q.", c.Role)
	}
	return nil
}

// MayRead lets owners and viewers look into their own account, and operators into any. Every other account is
// not found: nobody learns which ones exist.
func (c Caller) MayRead(account wallet.AccountID) error {
	if err := c.MustBe(Owner, Viewer, Operator); err != nil {
		return err
	}
	return c.sees(account)
}

// MayWrite lets owners act on their own account, and operators on any.
func (c Caller) MayWrite(account wallet.AccountID) error {
	if err := c.sees(account); err != nil {
		return err
	}
	return c.MustBe(Owner, Operator)
}

func (c Caller) sees(account wallet.AccountID) error {
	if ValidAccount(string(account)) && (c.Role == Operator || c.Role != "" && c.Account == account) {
		return nil
	}
	if c.Role == "" {
		return c.MustBe(Owner)
	}
	return refusal.Of(refusal.NotFound, "There is no such account.")
}
