package apigateway

import (
	"strings"

	"github.com/ephor-io/ephor/laptop/internal/awsproto"
)

// authorizationIAM is the AuthorizationType of routes and methods, and the AuthType of function URLs,
// that ask for a signature.
const authorizationIAM = "AWS_IAM"

// iam lets requests on that are signed by Signature Version 4. Whose key they are signed with makes no
// difference here: neither the signature itself nor what its caller may do is looked at.
//
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
//   - https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
type iam struct {
	service string // as the signature names it: execute-api or lambda
	account string
}

func (g iam) check(req *request) *refusal {
	key, service := awsproto.Signature(req.Request)
	sent := req.Header.Get("Authorization")
	switch {
	case key == "" && sent == "":
		return refuse(unsigned, "the request is not signed for %s (SigV4); any access key will do", g.service)
	case key == "":
		r := refuse(badlySigned, "the Authorization header is no signature for %s (SigV4); any access key will do", g.service)
		r.said = incompleteSignature(sent)
		return r
	case service != g.service:
		r := refuse(badlySigned, "the request is signed for %s, not for %s", service, g.service)
		r.said = "Credential should be scoped to correct service: '" + g.service + "'."
		return r
	}
	req.signer = &signer{accessKey: key, Caller: awsproto.CallerOf(g.account)}
	if !req.route.format1 { // in format 1.0 the identity tells it
		req.authorizer = req.signer.event()
	}
	return nil
}

// incompleteSignature is what AWS was seen to say of an Authorization header that is no signature,
// such as a bearer token. No page of AWS's has it: https://blog.cheo.dev/til/aws-apigw-vpce-authorization
// and http://www.kouhan.cn/en/article/00039538 do.
func incompleteSignature(sent string) string {
	last := sent[strings.LastIndexByte(sent, ' ')+1:]
	return "'" + last + "' not a valid key=value pair (missing equal-sign) in Authorization header: '" + sent + "'."
}

// signer is who signed a request: the laptop's one user, whatever the key.
type signer struct {
	accessKey string
	awsproto.Caller
}

// event is requestContext.authorizer of payload format 2.0.
func (s *signer) event() []byte {
	return jsonOf(map[string]any{"iam": map[string]any{
		"accessKey": s.accessKey, "accountId": s.Account, "callerId": s.UserID, "cognitoIdentity": nil,
		"principalOrgId": nil, "userArn": s.ARN, "userId": s.UserID,
	}})
}

// appendIdentity writes requestContext.identity of payload format 1.0. Of nobody who signed its
// members are null.
func (r *request) appendIdentity(b []byte) []byte {
	member := func(name, value string) {
		b = appendString(append(b, ','), name)
		b = append(b, ':')
		if value == "" {
			b = append(b, "null"...)
			return
		}
		b = appendString(b, value)
	}
	var s signer
	if r.signer != nil {
		s = *r.signer
	}
	b = append(b, '{')
	start := len(b)
	member("accessKey", s.accessKey)
	member("accountId", s.Account)
	member("caller", s.UserID)
	b = append(b, `,"cognitoAuthenticationProvider":null,"cognitoAuthenticationType":null,"cognitoIdentityId":null,`+
		`"cognitoIdentityPoolId":null,"principalOrgId":null,`...)
	b = appendMember(b, "sourceIp", r.sourceIP)
	member("user", s.UserID)
	b = append(b, ',')
	b = appendMember(b, "userAgent", r.UserAgent())
	member("userArn", s.ARN)
	b = append(b[:start], b[start+1:]...) // the first comma
	return append(b, '}')
}
