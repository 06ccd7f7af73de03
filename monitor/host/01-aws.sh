# shellcheck shell=bash
# --- AWS, with the credentials of the machine's role.

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
imds() {
  local base=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254} token
  token=$(web --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$base/latest/api/token")
  printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$token" | web --config - "$base/latest/$1"
}

# signed is a request to a service of AWS, signed by curl.
signed() {
  local service=$1 role credentials
  shift
  role=$(imds meta-data/iam/security-credentials/)
  credentials=$(imds "meta-data/iam/security-credentials/${role%%$'\n'*}")
  printf '%s' "$credentials" | jq -r --arg by "aws:amz:$EPHOR_REGION:$service" \
    '"aws-sigv4 = \"\($by)\"", "user = \"\(.AccessKeyId):\(.SecretAccessKey)\"", "header = \"X-Amz-Security-Token: \(.Token)\""' |
    web --config - "$@"
}

# explained is signed, of what answers shortly; where AWS refuses it, why it does so is told.
explained() {
  local body status=0
  body=$(mktemp)
  on_error=--fail-with-body signed "$@" --output "$body" || status=$?
  if [ "$status" = 0 ]; then cat "$body"; else printf 'it answers: %s\n' "$(head -c 400 "$body" | tr -s '[:space:]' ' ')" >&2; fi
  rm "$body"
  return "$status"
}

json_call() { # service, endpoint, target, body
  explained "$1" --header 'Content-Type: application/x-amz-json-1.1' --header "X-Amz-Target: $3" --data "$4" "$2"
}

# parameters prints those of Systems Manager under a path, each as a filter of jq has it.
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
parameters() { # path, filter
  local next='' page all=''
  while :; do
    page=$(json_call ssm "${AWS_ENDPOINT_URL_SSM:-https://ssm.$EPHOR_REGION.$EPHOR_DOMAIN}" AmazonSSM.GetParametersByPath \
      "$(jq -cn --arg path "$1" --arg next "$next" '{Path: $path, MaxResults: 10} + if $next == "" then {} else {NextToken: $next} end')")
    all+=$(jq -r ".Parameters[] | $2" <<<"$page")$'\n'
    next=$(jq -r '.NextToken // ""' <<<"$page")
    [ -n "$next" ] || break
  done
  printf '%s' "$all"
}

# pieces prints what stands in parameters under a path, one after the other.
pieces() { parameters "$1" '"\(.Name) \(.Value)"' | sort | cut -d ' ' -f 2 | tr -d '\n'; } # path

# secret prints what Secrets Manager keeps, or what stands under a key of it.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
secret() { # ARN or name, key, stage
  json_call secretsmanager "${AWS_ENDPOINT_URL_SECRETS_MANAGER:-https://secretsmanager.$EPHOR_REGION.$EPHOR_DOMAIN}" \
    secretsmanager.GetSecretValue "$(jq -cn --arg id "$1" --arg stage "${3:-AWSCURRENT}" '{SecretId: $id, VersionStage: $stage}')" | jq -er --arg key "$2" '.SecretString | if $key == "" then . else fromjson[$key] end'
}

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
ec2() { # Action, parameters
  local action=$1
  shift
  explained ec2 --data "Action=$action&Version=2016-11-15" "${@/#/-d}" "${AWS_ENDPOINT_URL_EC2:-https://ec2.$EPHOR_REGION.$EPHOR_DOMAIN}"
}

element() { sed -n "s/.*<$1>\([^<]*\)<\/$1>.*/\1/p" | head -n 1; } # the first of that name in XML of one element a line
lines() { sed 's/></>\n</g'; }
