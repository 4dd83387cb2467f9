"""Classroom and practical sessions."""

import sqlalchemy as sa
from alembic import op
from plugin.core.base import UTCDateTime
revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('class_rules',
    sa.Column('module_id', ID, nullable=False),
    sa.Column('organization_id', ID, nullable=False),
    sa.Column('confirms', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['module_id'], ['module.id'], name=op.f('fk_class_rules_module_id_module')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_class_rules_organization_id_organization')),
    sa.PrimaryKeyConstraint('module_id', name=op.f('pk_class_rules'))
    )
    op.create_table('class_session',
    sa.Column('id', ID, nullable=False),
    sa.Column('organization_id', ID, nullable=False),
    sa.Column('module_id', ID, nullable=False),
    sa.Column('starts_at', UTCDateTime(), nullable=False),
    sa.Column('ends_at', UTCDateTime(), nullable=False),
    sa.Column('zone', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('instructor_id', ID, nullable=True),
    sa.Column('capacity', ID, nullable=True),
    sa.Column('taken', ID, nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('created_at', UTCDateTime(), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.Column('cancel_reason', sa.Text(), nullable=False),
    sa.CheckConstraint('capacity IS NULL OR taken <= capacity', name=op.f('ck_class_session_seats')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_class_session_ends_after_it_starts')),
    sa.CheckConstraint('taken >= 0', name=op.f('ck_class_session_no_seat_twice')),
    sa.ForeignKeyConstraint(['created_by'], ['person.id'], name=op.f('fk_class_session_created_by_person')),
    sa.ForeignKeyConstraint(['instructor_id'], ['person.id'], name=op.f('fk_class_session_instructor_id_person')),
    sa.ForeignKeyConstraint(['module_id'], ['module.id'], name=op.f('fk_class_session_module_id_module')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_class_session_organization_id_organization')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_class_session'))
    )
    with op.batch_alter_table('class_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_class_session_instructor_id'), ['instructor_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_class_session_module_id_ends_at'), ['module_id', 'ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_class_session_organization_id_ends_at'), ['organization_id', 'ends_at'], unique=False)

    op.create_table('attendance',
    sa.Column('id', ID, nullable=False),
    sa.Column('organization_id', ID, nullable=False),
    sa.Column('session_id', ID, nullable=False),
    sa.Column('person_id', ID, nullable=False),
    sa.Column('signed_up_at', UTCDateTime(), nullable=True),
    sa.Column('present_at', UTCDateTime(), nullable=True),
    sa.Column('present_how', sa.String(length=40), nullable=True),
    sa.Column('present_by', ID, nullable=True),
    sa.Column('passed', sa.Boolean(), nullable=True),
    sa.Column('score', sa.Float(), nullable=True),
    sa.Column('completion_id', ID, nullable=True),
    sa.ForeignKeyConstraint(['completion_id'], ['completion.id'], name=op.f('fk_attendance_completion_id_completion')),
    sa.ForeignKeyConstraint(['organization_id'], ['organization.id'], name=op.f('fk_attendance_organization_id_organization')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_attendance_person_id_person')),
    sa.ForeignKeyConstraint(['present_by'], ['person.id'], name=op.f('fk_attendance_present_by_person')),
    sa.ForeignKeyConstraint(['session_id'], ['class_session.id'], name=op.f('fk_attendance_session_id_class_session')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attendance')),
    sa.UniqueConstraint('session_id', 'person_id', name=op.f('uq_attendance_session_id_person_id'))
    )
    with op.batch_alter_table('attendance', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attendance_person_id'), ['person_id'], unique=False)


def downgrade() -> None:
    op.drop_table('attendance')
    op.drop_table('class_session')
    op.drop_table('class_rules')
