//! Where people keep their work, and where they are kept: files, tasks, staff, candidates.

use crate::{call, check_below, check_strangers, whole};
use serde_json::json;

#[test]
fn a_box() {
    check_below(
        "https://api.box.com/2.0",
        &[
            (
                "POST",
                "/collaborations",
                json!({"item": {"type": "folder", "id": "11"}, "accessible_by": {"type": "user", "login": "eve@other.test"}, "role": "editor"}),
                "box.share_file ADMIN permissions 11 to eve@other.test outside",
            ),
            (
                "PUT",
                "/files/22?fields=shared_link",
                json!({"shared_link": {"access": "open"}}),
                "box.create_shared_link ADMIN permissions 22 to anyone outside",
            ),
            (
                "PUT",
                "/files/22?fields=shared_link",
                json!({"shared_link": {"access": "company"}}),
                "box.create_shared_link ADMIN permissions 22",
            ),
            ("PUT", "/files/22", json!({"name": "n"}), "box.update_file WRITE files 22"),
            ("DELETE", "/folders/11?recursive=true", json!(null), "box.delete_folder ADMIN files 11"),
            ("DELETE", "/files/22/trash", json!(null), "box.purge_file ADMIN files 22"),
            ("GET", "/files/22/content", json!(null), "box.download_file READ files 22"),
            (
                "POST",
                "/invites",
                json!({"enterprise": {"id": "1"}, "actionable_by": {"login": "eve@other.test"}}),
                "box.invite_user ADMIN users eve@other.test to eve@other.test outside",
            ),
            (
                "POST",
                "/webhooks",
                json!({"target": {"id": "22", "type": "file"}, "address": "https://other.test/h", "triggers": ["FILE.UPLOADED"]}),
                "box.change_webhook ADMIN settings 22 to https://other.test/h outside",
            ),
            (
                "PUT",
                "/users/5/folders/0",
                json!({"owned_by": {"id": "9"}}),
                "box.transfer_ownership ADMIN permissions 5 to 9",
            ),
            ("DELETE", "/users/5?force=true", json!(null), "box.delete_user ADMIN users 5"),
        ],
    );
    check_strangers(&["https://api.box.com.evil.test/2.0/files/1", "https://apibox.com/2.0/files/1"]);
}

#[test]
fn asana() {
    check_below(
        "https://app.asana.com/api/1.0",
        &[
            (
                "POST",
                "/workspaces/w1/addUser",
                json!({"data": {"user": "eve@other.test"}}),
                "asana.invite_user ADMIN users w1 to eve@other.test outside",
            ),
            (
                "POST",
                "/projects/p1/addMembers",
                json!({"data": {"members": "eve@other.test,bob@acme.example"}}),
                "asana.share_project ADMIN access p1 to eve@other.test bob@acme.example outside",
            ),
            (
                "POST",
                "/tasks",
                json!({"data": {"name": "t", "projects": ["p1"], "assignee": "me"}}),
                "asana.create_task WRITE tasks t to me",
            ),
            ("PUT", "/tasks/t1", json!({"data": {"completed": true}}), "asana.update_task WRITE tasks t1"),
            ("DELETE", "/tasks/t1", json!(null), "asana.delete_task ADMIN tasks t1"),
            ("DELETE", "/projects/p1", json!(null), "asana.delete_project ADMIN projects p1"),
            (
                "POST",
                "/tasks/t1/stories",
                json!({"data": {"text": "x"}}),
                "asana.create_comment WRITE comments t1",
            ),
            (
                "POST",
                "/webhooks",
                json!({"data": {"resource": "p1", "target": "https://other.test/h"}}),
                "asana.change_webhook ADMIN settings p1 to https://other.test/h outside",
            ),
            (
                "POST",
                "/organization_exports",
                json!({"data": {"organization": "w1"}}),
                "asana.export_organization ADMIN exports w1",
            ),
            // A batch is named by what it carries.
            (
                "POST",
                "/batch",
                json!({"data": {"actions": [{"relative_path": "/tasks/t1", "method": "get"}, {"relative_path": "/tasks/t2", "method": "delete"}]}}),
                "asana.delete_task ADMIN tasks t2",
            ),
        ],
    );
    check_strangers(&[
        "https://app.asana.com.evil.test/api/1.0/tasks",
        "https://app-asana.com/api/1.0/tasks",
    ]);
}

#[test]
fn monday() {
    let table = [
        (
            r#"mutation { delete_board (board_id: 12345678) { id } }"#,
            "monday.delete_board ADMIN boards 12345678",
        ),
        (
            r#"mutation { create_item (board_id: 1, item_name: "n") { id } }"#,
            "monday.create_item WRITE items 1",
        ),
        (
            r#"mutation { invite_users (emails: ["eve@other.test"], user_role: ADMIN) { errors { message } } }"#,
            "monday.invite_users ADMIN users - to eve@other.test outside",
        ),
        (
            r#"mutation { add_users_to_board (board_id: 1, user_ids: [7], kind: owner) { id } }"#,
            "monday.share_board ADMIN access 1 to 7",
        ),
        (
            r#"mutation { create_webhook (board_id: 1, url: "https://other.test/h", event: create_item) { id } }"#,
            "monday.create_webhook ADMIN settings 1 to https://other.test/h outside",
        ),
        (
            r#"mutation { deactivate_users (user_ids: [7]) { errors { message } } }"#,
            "monday.change_users ADMIN users - to 7",
        ),
        (r#"mutation { delete_item (item_id: 5) { id } }"#, "monday.delete_item ADMIN items 5"),
        (r#"query { boards (ids: [1]) { name } }"#, "monday.read_boards READ boards 1"),
        (
            r#"mutation { delete_everything_new (id: 3) { id } }"#,
            "monday.delete_everything_new ADMIN items 3",
        ),
    ];
    for (query, expected) in table {
        for url in ["https://api.monday.com/v2", "https://api.monday.com/v2/"] {
            assert_eq!(whole(&call("POST", url, json!({"query": query})).primary), expected, "{query}");
        }
    }
    check_strangers(&["https://api.monday.com.evil.test/v2", "https://monday.com.evil.test/v2"]);
}

#[test]
fn workday() {
    let soap = |request: &str| {
        json!(format!(
            "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header/><env:Body><wd:{request} xmlns:wd=\"urn:com.workday/bsvc\" wd:version=\"v42.0\"/></env:Body></env:Envelope>"
        ))
    };
    check_below(
        "https://wd2-impl-services1.workday.com/ccx",
        &[
            (
                "POST",
                "/service/acme/Staffing/v42.0",
                soap("Terminate_Employee_Request"),
                "workday.terminate_employee ADMIN workers Staffing",
            ),
            (
                "POST",
                "/service/acme/Compensation/v42.0",
                soap("Request_Compensation_Change_Request"),
                "workday.change_compensation ADMIN payments Compensation",
            ),
            (
                "POST",
                "/service/acme/Staffing/v42.0",
                soap("Hire_Employee_Request"),
                "workday.hire_employee ADMIN workers Staffing",
            ),
            (
                "POST",
                "/service/acme/Human_Resources/v42.0",
                soap("Get_Workers_Request"),
                "workday.get_workers READ workers Human_Resources",
            ),
            (
                "POST",
                "/service/acme/Human_Resources/v42.0",
                json!("?"),
                "workday.call_service ADMIN workers Human_Resources",
            ),
            (
                "GET",
                "/service/customreport2/acme/owner/Salaries?format=json",
                json!(null),
                "workday.run_report READ reports Salaries",
            ),
            ("GET", "/api/v1/acme/workers/w1", json!(null), "workday.read_workers READ workers w1"),
            (
                "POST",
                "/api/staffing/v6/acme/workers/w1/jobChanges",
                json!({}),
                "workday.change_job ADMIN workers w1",
            ),
        ],
    );
    check_strangers(&[
        "https://wd2.workday.com.evil.test/ccx/api/v1/acme/workers",
        "https://myworkday.com.evil.test/ccx/",
    ]);
}

#[test]
fn bamboohr() {
    check_below(
        "https://api.bamboohr.com/api/gateway.php/acme/v1",
        &[
            (
                "POST",
                "/employees/7/tables/employmentStatus",
                json!({"date": "2026-11-30", "employmentStatus": "Terminated"}),
                "bamboohr.terminate_employee ADMIN employees 7",
            ),
            (
                "POST",
                "/employees/7/tables/compensation",
                json!({"startDate": "2026-12-01", "rate": {"value": "90000", "currency": "USD"}}),
                "bamboohr.change_compensation ADMIN payments 7",
            ),
            (
                "POST",
                "/employees/7",
                json!({"payRate": "90000"}),
                "bamboohr.change_compensation ADMIN payments 7",
            ),
            ("POST", "/employees/7", json!({"homePhone": "1"}), "bamboohr.update_employee WRITE employees 7"),
            (
                "GET",
                "/employees/7?fields=firstName,ssn",
                json!(null),
                "bamboohr.read_employee READ employees 7",
            ),
            ("GET", "/employees/directory", json!(null), "bamboohr.export_employees READ employees -"),
            (
                "POST",
                "/reports/custom",
                json!({"fields": ["ssn"]}),
                "bamboohr.run_report READ reports custom",
            ),
            ("DELETE", "/employees/7/files/9", json!(null), "bamboohr.delete_file ADMIN files 7/9"),
            (
                "POST",
                "/webhooks",
                json!({"url": "https://other.test/h", "monitorFields": ["salary"]}),
                "bamboohr.change_webhook ADMIN settings - to https://other.test/h outside",
            ),
        ],
    );
    let own = call("DELETE", "https://acme.bamboohr.com/api/v1/files/3", json!(null)).primary;
    assert_eq!(
        (whole(&own).as_str(), own.org.as_deref()),
        ("bamboohr.delete_file ADMIN files 3", Some("acme"))
    );
    check_strangers(&[
        "https://acme.bamboohr.com.evil.test/api/v1/employees",
        "https://acmebamboohr.com/api/v1/employees",
    ]);
}

#[test]
fn greenhouse() {
    check_below(
        "https://harvest.greenhouse.io",
        &[
            ("DELETE", "/v1/candidates/5", json!(null), "greenhouse.delete_candidate ADMIN candidates 5"),
            (
                "PUT",
                "/v1/candidates/5/anonymize?fields=full_name,emails",
                json!(null),
                "greenhouse.anonymize_candidate ADMIN candidates 5",
            ),
            (
                "GET",
                "/v3/candidates?per_page=500",
                json!(null),
                "greenhouse.export_candidates READ candidates -",
            ),
            ("GET", "/v1/candidates/5", json!(null), "greenhouse.read_candidate READ candidates 5"),
            (
                "POST",
                "/v1/applications/8/reject",
                json!({"rejection_reason_id": 1}),
                "greenhouse.reject_candidate ADMIN applications 8",
            ),
            (
                "POST",
                "/v1/applications/8/hire",
                json!({"start_date": "2026-12-01"}),
                "greenhouse.hire_candidate ADMIN applications 8",
            ),
            (
                "POST",
                "/v3/applications/8/move",
                json!({}),
                "greenhouse.move_application WRITE applications 8",
            ),
            (
                "PATCH",
                "/v1/applications/8/offers/current_offer",
                json!({"custom_fields": []}),
                "greenhouse.change_offer ADMIN offers 8",
            ),
            (
                "POST",
                "/v1/users",
                json!({"first_name": "E", "last_name": "V", "email": "eve@other.test"}),
                "greenhouse.create_user ADMIN users eve@other.test to eve@other.test outside",
            ),
            (
                "PUT",
                "/v1/users/permission_level",
                json!({"user": {"email": "bob@acme.example"}, "level": "site_admin"}),
                "greenhouse.grant_permission ADMIN access - to bob@acme.example",
            ),
            (
                "PATCH",
                "/v1/job_posts/3/status",
                json!({"status": "live"}),
                "greenhouse.publish_job ADMIN jobs 3",
            ),
        ],
    );
    check_strangers(&[
        "https://harvest.greenhouse.io.evil.test/v1/candidates",
        "https://harvestgreenhouse.io/v1/candidates",
    ]);
}
