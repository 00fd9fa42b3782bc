"""Who is served."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import api_error
from agents.tools.contract import ToolContext
from appointments.customers import Contact, customer_of
from appointments.models import Customer
from tenants.responses import ApiError, success
from tonris.api import facts
from tonris.api.catalog import one_of
from tonris.api.pages import PageQuery, page_of
from tonris.api.reading import LONGEST_NOTES, PhoneField, checked
from tonris.api.shapes import IDEMPOTENCY, NEXT, CustomerSerializer, answers
from tonris.api.work import KeyedView


class CustomersQuery(PageQuery):
    phone = PhoneField(required=False, help_text="The whole number.")
    email = serializers.CharField(required=False, max_length=254, help_text="The whole address.")
    name = serializers.CharField(required=False, max_length=120, help_text="A part of the name.")


class ChangedCustomer(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=120)
    phone = PhoneField(required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_NOTES)


class NewCustomer(ChangedCustomer):
    name = serializers.CharField(max_length=120)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("phone") and not attrs.get("email"):
            raise ValidationError({"phone": "Either email or phone is required"})
        return attrs


class Customers(KeyedView):
    @extend_schema(
        operation_id="v1_customers",
        tags=["customers"],
        summary="Customers, by name",
        parameters=[CustomersQuery],
        responses=answers("Customers", {"customers": CustomerSerializer(many=True), **NEXT}),
    )
    def get(self, request: Request) -> Response:
        query = checked(CustomersQuery, request.query_params, self.client.tenant)
        with self.work() as context:
            shown, following = page_of(_matching(context, query), "name", query)
            return success({"customers": [facts.customer(one) for one in shown], "nextCursor": following})

    @extend_schema(
        operation_id="v1_create_customer",
        tags=["customers"],
        summary="Enter a customer",
        description="The same name with the same phone (without one: e-mail) is the same customer: 200, unchanged.",
        parameters=[IDEMPOTENCY],
        request=NewCustomer,
        responses=answers("Customer", {"customer": CustomerSerializer()}, 422, statuses=(200, 201)),
    )
    def post(self, request: Request) -> Response:
        body = checked(NewCustomer, request.data, self.client.tenant)
        return self.once(lambda context: _enter(context, body))


class OneCustomer(KeyedView):
    @extend_schema(
        operation_id="v1_customer",
        tags=["customers"],
        summary="A customer",
        responses=answers("Customer", {"customer": CustomerSerializer()}, 404),
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        with self.work() as context:
            rows = Customer.objects.for_tenant(context.tenant)
            return success({"customer": facts.customer(one_of(rows, customer_id))})

    @extend_schema(
        operation_id="v1_change_customer",
        tags=["customers"],
        summary="Change what is given, and leave the rest",
        request=ChangedCustomer,
        responses=answers("Customer", {"customer": CustomerSerializer()}, 404, 409),
    )
    def patch(self, request: Request, customer_id: UUID) -> Response:
        body = checked(ChangedCustomer, request.data, self.client.tenant)
        with self.work() as context:
            rows = Customer.objects.for_tenant(context.tenant).select_for_update()
            return success({"customer": facts.customer(_change(one_of(rows, customer_id), body))})


def _matching(context: ToolContext, query: dict[str, Any]) -> QuerySet[Customer]:
    wanted = {"phone_e164": "phone", "email__iexact": "email", "name__icontains": "name"}
    given = {column: query[name] for column, name in wanted.items() if query.get(name)}
    return Customer.objects.for_tenant(context.tenant).filter(**given)


def _enter(context: ToolContext, body: dict[str, Any]) -> Response:
    customer = customer_of(
        context.tenant, Contact(body["name"], body.get("phone", ""), body.get("email", ""))
    )
    is_new = customer.created_at >= context.now
    if is_new and body.get("notes"):
        customer.notes = body["notes"]
        customer.save(update_fields=["notes"])
    return success({"customer": facts.customer(customer)}, 201 if is_new else 200)


def _change(customer: Customer, body: dict[str, Any]) -> Customer:
    columns = {"name": "name", "phone": "phone_e164", "email": "email", "notes": "notes"}
    for name, value in body.items():
        setattr(customer, columns[name], value)
    if not customer.phone_e164 and not customer.email:
        raise api_error("VALIDATION_ERROR", "phone: Either email or phone is required", field="phone")
    try:
        with transaction.atomic():
            customer.save(update_fields=[columns[name] for name in body])
    except IntegrityError:
        raise ApiError(
            "There is another customer with that name and contact", "CUSTOMER_EXISTS", 409
        ) from None
    return customer
