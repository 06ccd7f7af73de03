"""Deploys, describes, changes, breaks and deletes template.yaml with boto3, at the endpoint given."""

import os
import sys
import time

import boto3
import botocore.exceptions


def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name="us-east-1",
                        aws_access_key_id="any", aws_secret_access_key="any")


cfn, sqs = client("cloudformation"), client("sqs")
here = os.path.dirname(__file__)
with open(os.path.join(here, "template.yaml")) as f:
    template = f.read()
with open(os.path.join(here, "importer.yaml")) as f:
    importer = f.read()
capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def wait(kind, stack):
    waiter = cfn.get_waiter(kind)
    waiter.config.delay, waiter.config.max_attempts = 0.1, 1200
    waiter.wait(StackName=stack)


def stack(name="hand"):
    return cfn.describe_stacks(StackName=name)["Stacks"][0]


def settle(name):
    while stack(name)["StackStatus"].endswith("IN_PROGRESS"):
        time.sleep(0.05)


def outputs():
    return {o["OutputKey"]: o["OutputValue"] for o in stack()["Outputs"]}


def parameters(**values):
    return [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()]


def reasons(name="hand"):
    pages = cfn.get_paginator("describe_stack_events").paginate(StackName=name)
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", "")) for p in pages for e in p["StackEvents"]]


def refused(call, want, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as e:
        assert want in str(e), e
    else:
        raise AssertionError("not refused: " + want)


# A creation that fails is rolled back, in the reverse order, and the stack can only be deleted.
cfn.create_stack(StackName="hand", TemplateBody=template, Capabilities=capabilities, Parameters=parameters(Days="99999"))
try:
    wait("stack_create_complete", "hand")
    raise AssertionError("a broken stack was made")
except botocore.exceptions.WaiterError:
    pass
settle("hand")
assert stack()["StackStatus"] == "ROLLBACK_COMPLETE", stack()
assert any(r[0] == "Queue" and r[1] == "CREATE_FAILED" and "VisibilityTimeout" in r[2] for r in reasons()), reasons()
refused(cfn.update_stack, "is in ROLLBACK_COMPLETE state and can not be updated", StackName="hand", TemplateBody=template, Capabilities=capabilities)
assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="orders"), sqs.list_queues()
cfn.delete_stack(StackName="hand")
wait("stack_delete_complete", "hand")

refused(cfn.create_stack, "Parameter 'Name' must match pattern [a-z]+", StackName="hand", TemplateBody=template, Capabilities=capabilities, Parameters=parameters(Name="X"))
client("logs").delete_log_group(logGroupName="/kept/orders")  # its policy says that it stays, whatever becomes of the stack
cfn.create_stack(StackName="hand", TemplateBody=template, Capabilities=capabilities, Tags=[{"Key": "team", "Value": "us"}])
wait("stack_create_complete", "hand")
url = outputs()["Url"]
assert outputs()["Told"].endswith(" of orders-queue in us-east-1"), outputs()
kinds = {r["LogicalResourceId"]: r["ResourceType"] for r in cfn.describe_stack_resources(StackName="hand")["StackResources"]}
assert kinds["Dead"] == "AWS::SQS::Queue" and kinds["Role"] == "AWS::IAM::Role", kinds
summary = cfn.get_template_summary(StackName="hand")
assert summary["DeclaredTransforms"] == ["AWS::LanguageExtensions"], summary
assert {p["ParameterKey"]: p["ParameterValue"] for p in stack()["Parameters"]}["Token"] == "****", stack()

cfn.create_stack(StackName="importer", TemplateBody=importer)
wait("stack_create_complete", "importer")
assert cfn.list_imports(ExportName="hand-Arn")["Imports"] == ["importer"]
refused(cfn.create_stack, "Unresolved resource dependencies [X] in the Resources block of the template (Resources.A.Properties.QueueName.Ref, line 1",
        StackName="odd", TemplateBody="Resources: {A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref X}}}")

# In place, with the previous template; then a condition that takes a resource away.
cfn.update_stack(StackName="hand", UsePreviousTemplate=True, Capabilities=capabilities, Parameters=parameters(Days="7"))
wait("stack_update_complete", "hand")
assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]["VisibilityTimeout"] == "7"
cfn.update_stack(StackName="hand", UsePreviousTemplate=True, Capabilities=capabilities, Parameters=parameters(Days="1"))
wait("stack_update_complete", "hand")
assert "Dead" not in {r["LogicalResourceId"] for r in cfn.list_stack_resources(StackName="hand")["StackResourceSummaries"]}
assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["MessageRetentionPeriod"] == "86400"

# An update that fails goes back to what was, and tells why.
cfn.update_stack(StackName="hand", UsePreviousTemplate=True, Capabilities=capabilities, Parameters=parameters(Name="others"))
settle("hand")
assert stack()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", stack()
assert any("Cannot update export hand-Arn as it is in use by importer." in r[2] for r in reasons()), reasons()
assert outputs()["Url"] == url, outputs()

cfn.delete_stack(StackName="hand")
assert "in use by importer" in stack()["StackStatusReason"], stack()
for name in ["importer", "hand"]:
    arn = stack(name)["StackId"]
    cfn.delete_stack(StackName=name)
    wait("stack_delete_complete", arn)
    assert stack(arn)["StackStatus"] == "DELETE_COMPLETE"
assert "QueueUrls" not in sqs.list_queues(), sqs.list_queues()
assert ("Kept", "DELETE_SKIPPED", "") in reasons(arn), reasons(arn)
print("ok")
