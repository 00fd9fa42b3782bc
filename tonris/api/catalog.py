"""What is sold, by whom, and when the business is open."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.refusals import api_error
from agents.tools.business import get_business_hours
from agents.tools.contract import Arguments
from agents.tools.registry import success as answered
from tenants.responses import success
from tonris.api import facts
from tonris.api.shapes import EmployeeSerializer, ServiceSerializer, WeekSerializer, answers
from tonris.api.work import KeyedView


class Services(KeyedView):
    @extend_schema(
        operation_id="v1_services",
        tags=["catalog"],
        summary="The services that can be booked",
        responses=answers(
            "Services", {"services": ServiceSerializer(many=True), "total": serializers.IntegerField()}
        ),
    )
    def get(self, request: Request) -> Response:
        with self.work() as context:
            services = [
                facts.service(one) for one in facts.services_of(context.tenant).filter(is_active=True)
            ]
        return success({"services": services, "total": len(services)})


class OneService(KeyedView):
    @extend_schema(
        operation_id="v1_service",
        tags=["catalog"],
        summary="A service, also one that is offered no more",
        responses=answers("Service", {"service": ServiceSerializer()}, 404),
    )
    def get(self, request: Request, service_id: UUID) -> Response:
        with self.work() as context:
            return success({"service": facts.service(one_of(facts.services_of(context.tenant), service_id))})


class Employees(KeyedView):
    @extend_schema(
        operation_id="v1_employees",
        tags=["catalog"],
        summary="The employees who can be booked",
        responses=answers(
            "Employees", {"employees": EmployeeSerializer(many=True), "total": serializers.IntegerField()}
        ),
    )
    def get(self, request: Request) -> Response:
        with self.work() as context:
            rows = facts.employees_of(context.tenant).filter(is_active=True)
            employees = [facts.employee(one) for one in rows]
        return success({"employees": employees, "total": len(employees)})


class OneEmployee(KeyedView):
    @extend_schema(
        operation_id="v1_employee",
        tags=["catalog"],
        summary="An employee, also one who is booked no more",
        responses=answers("Employee", {"employee": EmployeeSerializer()}, 404),
    )
    def get(self, request: Request, employee_id: UUID) -> Response:
        with self.work() as context:
            return success(
                {"employee": facts.employee(one_of(facts.employees_of(context.tenant), employee_id))}
            )


class BusinessHours(KeyedView):
    @extend_schema(
        operation_id="v1_business_hours",
        tags=["catalog"],
        summary="The usual week",
        responses=answers(
            "BusinessHours",
            {
                "businessHours": WeekSerializer(),
                "timezone": serializers.CharField(),
                "today": serializers.DateField(),
                "message": serializers.CharField(),
            },
        ),
    )
    def get(self, request: Request) -> Response:
        with self.work() as context:
            return Response(answered(context, get_business_hours(context, Arguments({}))))


def one_of(rows: Any, pk: UUID) -> Any:
    """A row of the tenant's. Another tenant's is as missing as one that never was."""
    found = rows.filter(pk=pk).first()
    if found is None:
        what = rows.model._meta.verbose_name
        raise api_error("NOT_FOUND", f"There is no such {what}", message=f"I can't find that {what}.")
    return found
