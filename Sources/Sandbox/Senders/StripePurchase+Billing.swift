internal import Model

extension StripePurchase {
    private var period: (start: Int64, end: Int64) { (startedAt.seconds, startedAt.seconds + 2_592_000) }
    private var priceID: String { ProviderID.make("price_1", "\(amount)\(currency)") }

    func checkoutSession(status: String, paymentStatus: String) -> JSONObject {
        let isPaid = paymentStatus == "paid"
        var session: JSONObject = [
            "id": .string(checkoutID), "object": "checkout.session", "adaptive_pricing": ["enabled": true],
            "allow_promotion_codes": true, "amount_subtotal": .int(amount), "amount_total": .int(amount),
            "automatic_tax": ["enabled": false, "liability": nil, "provider": nil, "status": nil],
            "cancel_url": "https://acme.example/pricing",
            "client_reference_id": clientReference.map { .string($0) } ?? .null, "created": .int(startedAt.seconds),
            "currency": .string(currency), "custom_fields": [],
            "custom_text": [
                "after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil,
            ], "customer": isPaid ? .string(customerID) : .null,
            "customer_creation": isSubscription ? "always" : "if_required",
        ]
        session = session.with([
            "customer_details": [
                "address": [
                    "city": nil, "country": "US", "line1": nil, "line2": nil, "postal_code": "94107", "state": nil,
                ],
                "business_name": nil, "email": .string(email), "individual_name": nil, "name": .string(name),
                "phone": nil, "tax_exempt": "none", "tax_ids": [],
            ], "discounts": [], "expires_at": .int(startedAt.seconds + 86_400),
            "invoice": isPaid && isSubscription ? .string(invoiceID) : .null, "livemode": .bool(isLive),
            "metadata": metadataJSON, "mode": isSubscription ? "subscription" : "payment",
            "payment_intent": isPaid && !isSubscription ? .string(paymentIntentID) : .null,
            "payment_method_collection": isSubscription ? "always" : "if_required",
            "payment_method_configuration_details": ["id": "pmc_1SandboxConfiguration", "parent": nil],
            "payment_method_options": ["card": ["request_three_d_secure": "automatic"]],
            "payment_method_types": ["card", "link"], "payment_status": .string(paymentStatus),
        ])
        session = session.with([
            "shipping_options": [], "status": .string(status),
            "subscription": isPaid && isSubscription ? .string(subscriptionID) : .null,
            "success_url": "https://acme.example/thanks?session_id={CHECKOUT_SESSION_ID}",
            "total_details": ["amount_discount": 0, "amount_shipping": 0, "amount_tax": 0],
            "ui_mode": .string(shape == .current ? "hosted_page" : "hosted"),
            "phone_number_collection": ["enabled": false],
        ])
        session = session.with(
            .nulls(
                """
                after_expiration billing_address_collection client_secret consent consent_collection \
                currency_conversion customer_email invoice_creation locale payment_link \
                recovered_from saved_payment_method_options setup_intent shipping_address_collection shipping_cost \
                submit_type url
                """))
        guard shape == .current else { return session }
        return session.with(
            .nulls(
                """
                collected_information customer_account integration_identifier managed_payments origin_context \
                permissions wallet_options
                """))
    }

    func subscription(status: String, endedAt: Instant?) -> JSONObject {
        var item: JSONObject = [
            "id": .string(ProviderID.make("si_", tag, length: 14)), "object": "subscription_item",
            "billing_thresholds": nil, "created": .int(startedAt.seconds), "discounts": [], "metadata": [:],
            "price": price, "quantity": 1, "subscription": .string(subscriptionID), "tax_rates": [],
        ]
        if shape == .current {
            item["current_period_start"] = .int(period.start)
            item["current_period_end"] = .int(period.end)
        }
        var subscription: JSONObject = [
            "id": .string(subscriptionID), "object": "subscription",
            "automatic_tax": ["disabled_reason": nil, "enabled": false, "liability": nil],
            "billing_cycle_anchor": .int(startedAt.seconds), "cancel_at_period_end": false,
            "canceled_at": endedAt.map { .int($0.seconds) } ?? .null,
            "cancellation_details": [
                "comment": nil, "feedback": nil, "reason": endedAt == nil ? nil : "cancellation_requested",
            ], "collection_method": "charge_automatically", "created": .int(startedAt.seconds),
            "currency": .string(currency), "customer": .string(customerID),
            "default_payment_method": .string(paymentMethodID), "default_tax_rates": [], "discounts": [],
            "ended_at": endedAt.map { .int($0.seconds) } ?? .null,
        ]
        subscription = subscription.with([
            "invoice_settings": ["account_tax_ids": nil, "issuer": ["type": "self"]],
            "items": [
                "object": "list", "data": [.object(item)], "has_more": false, "total_count": 1,
                "url": .string("/v1/subscription_items?subscription=\(subscriptionID)"),
            ], "latest_invoice": .string(invoiceID), "livemode": .bool(isLive), "metadata": metadataJSON,
            "payment_settings": [
                "payment_method_options": nil, "payment_method_types": nil,
                "save_default_payment_method": "on_subscription",
            ], "start_date": .int(startedAt.seconds), "status": .string(status),
            "trial_settings": ["end_behavior": ["missing_payment_method": "create_invoice"]],
        ])
        subscription = subscription.with(
            .nulls(
                """
                application application_fee_percent billing_cycle_anchor_config billing_thresholds cancel_at \
                days_until_due default_source description next_pending_invoice_item_invoice on_behalf_of \
                pause_collection pending_invoice_item_interval pending_setup_intent pending_update schedule test_clock \
                transfer_data trial_end trial_start
                """))
        if shape == .current {
            return subscription.with([
                "billing_mode": ["type": "flexible"], "billing_schedules": [], "customer_account": nil,
                "managed_payments": nil,
            ])
        }
        return subscription.with([
            "current_period_start": .int(period.start), "current_period_end": .int(period.end), "discount": nil,
        ])
    }

    func invoice(isPaid: Bool, attempt: Int) -> JSONObject {
        let paid = isPaid ? amount : 0
        var invoice: JSONObject = [
            "id": .string(invoiceID), "object": "invoice", "account_country": "US", "account_name": "Acme Assistant",
            "amount_due": .int(amount), "amount_paid": .int(paid), "amount_remaining": .int(amount - paid),
            "amount_shipping": 0, "attempt_count": .int(Int64(attempt)), "attempted": true,
            "auto_advance": .bool(!isPaid),
            "automatic_tax": [
                "disabled_reason": nil, "enabled": false, "liability": nil, "provider": nil, "status": nil,
            ],
            "billing_reason": "subscription_create", "collection_method": "charge_automatically",
            "created": .int(startedAt.seconds), "currency": .string(currency), "customer": .string(customerID),
            "customer_email": .string(email), "customer_name": .string(name), "customer_tax_exempt": "none",
            "customer_tax_ids": [], "default_tax_rates": [], "discounts": [],
            "effective_at": .int(startedAt.seconds), "ending_balance": 0,
        ]
        invoice = invoice.with([
            "hosted_invoice_url": .string(
                "https://invoice.stripe.com/i/acct_1Sandbox/" + ProviderID.make("", tag, length: 60)),
            "invoice_pdf": .string(
                "https://pay.stripe.com/invoice/acct_1Sandbox/" + ProviderID.make("", tag, length: 60) + "/pdf"),
            "issuer": ["type": "self"], "lines": lines, "livemode": .bool(isLive), "metadata": [:],
            "next_payment_attempt": isPaid ? .null : .int(startedAt.seconds + 259_200 * Int64(attempt)),
            "number": .string(ProviderID.make("", tag, length: 8).uppercased() + "-0001"),
            "payment_settings": [
                "default_mandate": nil, "payment_method_options": nil, "payment_method_types": nil,
            ], "period_end": .int(startedAt.seconds), "period_start": .int(startedAt.seconds),
            "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0, "starting_balance": 0,
        ])
        invoice = invoice.with([
            "status": isPaid ? "paid" : "open",
            "status_transitions": [
                "finalized_at": .int(startedAt.seconds), "marked_uncollectible_at": nil,
                "paid_at": isPaid ? .int(startedAt.seconds + 2) : .null, "voided_at": nil,
            ], "subtotal": .int(amount), "subtotal_excluding_tax": .int(amount), "total": .int(amount),
            "total_discount_amounts": [], "total_excluding_tax": .int(amount), "total_pretax_credit_amounts": [],
            "webhooks_delivered_at": .int(startedAt.seconds + 3),
        ])
        invoice = invoice.with(
            .nulls(
                """
                account_tax_ids application automatically_finalizes_at custom_fields customer_address customer_phone \
                customer_shipping default_payment_method default_source description due_date footer from_invoice \
                last_finalization_error latest_revision on_behalf_of receipt_number rendering shipping_cost \
                shipping_details statement_descriptor test_clock
                """))
        return invoice.with(shape == .current ? currentInvoiceFields : legacyInvoiceFields(isPaid: isPaid))
    }

    private var currentInvoiceFields: JSONObject {
        [
            "amount_overpaid": 0, "customer_account": nil, "total_taxes": [],
            "parent": [
                "quote_details": nil,
                "subscription_details": ["metadata": metadataJSON, "subscription": .string(subscriptionID)],
                "type": "subscription_details",
            ],
        ]
    }

    private func legacyInvoiceFields(isPaid: Bool) -> JSONObject {
        [
            "subscription": .string(subscriptionID), "subscription_details": ["metadata": metadataJSON],
            "payment_intent": .string(paymentIntentID), "charge": isPaid ? .string(chargeID) : .null,
            "paid": .bool(isPaid), "paid_out_of_band": false, "quote": nil, "tax": nil, "total_tax_amounts": [],
        ]
    }

    private var lines: JSONValue {
        var line: JSONObject = [
            "id": .string(ProviderID.make("il_1", tag)), "object": "line_item", "amount": .int(amount),
            "currency": .string(currency), "description": "1 × Team plan", "discount_amounts": [],
            "discountable": true, "discounts": [], "invoice": .string(invoiceID), "livemode": .bool(isLive),
            "metadata": metadataJSON, "period": ["end": .int(period.end), "start": .int(period.start)],
            "pretax_credit_amounts": [], "quantity": 1,
        ]
        line =
            shape == .current
            ? line.with([
                "parent": [
                    "invoice_item_details": nil,
                    "subscription_item_details": [
                        "invoice_item": nil, "proration": false,
                        "proration_details": ["credited_items": nil],
                        "subscription": .string(subscriptionID),
                        "subscription_item": .string(ProviderID.make("si_", tag, length: 14)),
                    ], "type": "subscription_item_details",
                ],
                "pricing": [
                    "price_details": ["price": .string(priceID), "product": "prod_TeamPlan0001"],
                    "type": "price_details", "unit_amount_decimal": .string(String(amount)),
                ], "taxes": [], "subtotal": .int(amount),
            ])
            : line.with([
                "price": price, "proration": false, "subscription": .string(subscriptionID), "type": "subscription",
            ])
        return [
            "object": "list", "data": [.object(line)], "has_more": false, "total_count": 1,
            "url": .string("/v1/invoices/\(invoiceID)/lines"),
        ]
    }

    private var price: JSONValue {
        [
            "id": .string(priceID), "object": "price", "active": true, "billing_scheme": "per_unit",
            "created": 1_700_000_000, "currency": .string(currency), "custom_unit_amount": nil,
            "livemode": .bool(isLive), "lookup_key": "team_monthly", "metadata": [:], "nickname": nil,
            "product": "prod_TeamPlan0001",
            "recurring": [
                "interval": "month", "interval_count": 1, "meter": nil, "trial_period_days": nil,
                "usage_type": "licensed",
            ], "tax_behavior": "unspecified", "tiers_mode": nil, "transform_quantity": nil, "type": "recurring",
            "unit_amount": .int(amount), "unit_amount_decimal": .string(String(amount)),
        ]
    }
}
